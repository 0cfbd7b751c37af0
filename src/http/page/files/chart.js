const SVG = 'http://www.w3.org/2000/svg';
/** Seconds that a chart shows. */
export const SPAN = 120;

/** Lines over the last two minutes. `classes` name the lines; colours come from the style sheet. */
export function chart(figure, classes, scale = linear) {
  const plot = figure.querySelector('.plot');
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', `0 0 ${SPAN - 1} 100`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  for (const y of [0, 50]) svg.append(element('line', { x1: 0, x2: SPAN - 1, y1: y, y2: y }));
  const lines = classes.map((name) => {
    const path = element('path', { class: name });
    svg.append(path);
    return { path, values: [] };
  });
  const [high, half, zero, then, now] = ['high', 'half', 'zero', 'then', 'now'].map((name) => {
    const label = document.createElement('i');
    label.className = name;
    return label;
  });
  plot.append(svg, high, half, zero, then, now);
  [then.textContent, now.textContent] = ['2 min ago', 'now'];

  return {
    /** One value a line, once a second; undefined leaves a gap. */
    push(values) {
      lines.forEach((line, index) => {
        line.values.push(values[index]);
        if (line.values.length > SPAN) line.values.shift();
      });
    },
    draw() {
      const { marks, height } = scale(Math.max(...lines.flatMap((line) => line.values.map((value) => value ?? 0)), 0));
      [zero.textContent, half.textContent, high.textContent] = marks.map(short);
      for (const { path, values } of lines) path.setAttribute('d', pathOf(values, height));
    },
  };
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

/** From zero to a round number: what `height` makes of a value lies between 0 and 1. */
export function linear(highest) {
  const top = ceiling(highest);
  return { marks: [0, top / 2, top], height: (value) => value / top };
}

/** In powers of ten, so that one slow second does not flatten all others. */
export function logarithmic(highest) {
  const [bottom, top] = [0.1, 10 ** Math.max(1, Math.ceil(Math.log10(Math.max(highest, 1))))];
  const height = (value) => Math.max(0, Math.log10(value / bottom) / Math.log10(top / bottom));
  return { marks: [bottom, Math.sqrt(bottom * top), top], height };
}

function pathOf(values, height) {
  const start = SPAN - values.length;
  let pen = 'M';
  let path = '';
  values.forEach((value, index) => {
    if (value === undefined) {
      pen = 'M';
      return;
    }
    path += `${pen}${start + index} ${(100 - height(value) * 100).toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

/** The next round number: 1, 2 or 5 times a power of ten, at least 10. */
function ceiling(value) {
  if (value <= 10) return 10;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((round) => round >= value) ?? value;
}

export function short(value) {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`;
  if (value >= 10 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value.toFixed(value < 1 && value !== 0.1 ? 2 : 1);
}
