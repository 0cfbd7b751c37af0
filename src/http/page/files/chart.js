const SVG = 'http://www.w3.org/2000/svg';
/** Seconds that a chart shows. */
export const SPAN = 120;

/** Two lines over the last two minutes. `classes` name the lines; colours come from the style sheet. */
export function chart(figure, classes) {
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
  [zero.textContent, then.textContent, now.textContent] = ['0', '2 min ago', 'now'];

  return {
    /** One value a line, once a second; undefined leaves a gap. */
    push(values) {
      lines.forEach((line, index) => {
        line.values.push(values[index]);
        if (line.values.length > SPAN) line.values.shift();
      });
    },
    draw() {
      const top = ceiling(Math.max(...lines.flatMap((line) => line.values.map((value) => value ?? 0)), 0));
      high.textContent = short(top);
      half.textContent = short(top / 2);
      for (const { path, values } of lines) path.setAttribute('d', pathOf(values, top));
    },
  };
}

function element(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function pathOf(values, top) {
  const start = SPAN - values.length;
  let pen = 'M';
  let path = '';
  values.forEach((value, index) => {
    if (value === undefined) {
      pen = 'M';
      return;
    }
    path += `${pen}${start + index} ${(100 - (value / top) * 100).toFixed(1)}`;
    pen = 'L';
  });
  return path;
}

/** The next round number: 1, 2 or 5 times a power of ten. */
function ceiling(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((round) => round >= value) ?? value;
}

export function short(value) {
  if (value >= 10_000) return `${Math.round(value / 1000)}k`;
  if (value >= 10 || Number.isInteger(value)) return Math.round(value).toLocaleString('en');
  return value.toFixed(value < 1 ? 2 : 1);
}
