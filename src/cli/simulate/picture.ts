import type { EChartsOption } from 'echarts';
import type { Result } from './experiment.ts';

/** What the picture says beside its lines. */
export interface Caption {
  readonly title: string;
  readonly subtitle: string;
  readonly days: number;
  /** Of one item: its base price in currency units, so that prices can be read off. Undefined: in percent of the base price. */
  readonly basePrice: number | undefined;
  readonly currency: string;
}

const WIDTH = 960;
const HEIGHT = 900;
const COLOURS = ['#5d666b', '#e0a21b', '#c2452d', '#6aa0d8', '#b493e6', '#5b3f9e', '#1c8f86', '#a8577e', '#6b7f2a'];
const FONT = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif';

/** An SVG of average price and stock over the season, and of revenue with its 95 % intervals. */
export async function pictureOf(results: readonly Result[], caption: Caption): Promise<string> {
  const echarts = await import('echarts'); // only who wants a picture waits for it
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  try {
    chart.setOption(optionOf(results, caption) as EChartsOption); // echarts' own types do not know the custom series' canvas
    return chart.renderToSVGString();
  } finally {
    chart.dispose();
  }
}

function optionOf(results: readonly Result[], caption: Caption): object {
  const { title, subtitle, days, basePrice, currency } = caption;
  const ends = (index: number, parts: number): number => ((index + 1) / parts) * days;
  const price = (percent: number | undefined): number | null => (percent === undefined ? null : basePrice === undefined ? percent : (percent * basePrice) / 100);
  const lines = (axis: number, value: (part: Result['course'][number]) => number | null) =>
    results.map(({ name, course }, index) => ({ type: 'line', name, xAxisIndex: axis, yAxisIndex: axis, showSymbol: false, lineStyle: { width: 2 }, color: COLOURS[index % COLOURS.length], data: course.map((part, at) => [ends(at, course.length), value(part)]) }));
  const bars = { type: 'bar', xAxisIndex: 2, yAxisIndex: 2, barMaxWidth: 26, data: results.map(({ revenue }, index) => ({ value: revenue.mean, itemStyle: { color: COLOURS[index % COLOURS.length] } })), label: { show: true, position: 'insideLeft', color: '#fff', formatter: ({ value }: { value: number }) => value.toLocaleString('en', { maximumFractionDigits: value >= 10_000 ? 0 : 2 }) } };
  const axis = (name: string, more: object = {}): object => ({ type: 'value', name, nameLocation: 'middle', nameGap: 48, nameTextStyle: { color: '#5d666b' }, splitLine: { lineStyle: { color: '#e2dfd6' } }, axisLabel: { color: '#5d666b' }, ...more });
  const time = (index: number, more: object = {}): object => ({ ...axis('', { nameGap: 28, max: days, splitLine: { show: false }, axisLine: { show: true, lineStyle: { color: '#9aa5ab' } }, ...more }), gridIndex: index });
  return {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: FONT },
    title: { text: title, subtext: subtitle, left: 24, top: 14, textStyle: { fontSize: 18, color: '#1c2326' }, subtextStyle: { color: '#5d666b' } },
    legend: { top: 72, left: 20, right: 20, itemWidth: 14, itemHeight: 8, itemGap: 26, icon: 'roundRect', data: results.map(({ name }) => name) },
    grid: [
      { left: 80, right: 30, top: 130, height: 240 },
      { left: 80, right: 30, top: 420, height: 150 },
      { left: 160, right: 30, top: 640, height: 30 + results.length * 24 },
    ],
    xAxis: [time(0), time(1, { name: 'days' }), { ...axis(`revenue, ${currency}; whiskers: 95 %`, { nameGap: 28 }), gridIndex: 2 }],
    yAxis: [
      { ...axis(basePrice === undefined ? 'price, % of base price' : `price, ${currency}`, { scale: true }), gridIndex: 0 },
      { ...axis('stock left, %', { max: 100 }), gridIndex: 1 },
      { type: 'category', gridIndex: 2, inverse: true, data: results.map(({ name }) => name), axisTick: { show: false }, axisLine: { lineStyle: { color: '#9aa5ab' } }, axisLabel: { color: '#1c2326' } },
    ],
    series: [...lines(0, ({ pricePercent }) => price(pricePercent)), ...lines(1, ({ stock }) => stock * 100), bars, whiskers(results)],
  };
}

interface Canvas {
  value(dimension: number): number;
  coord(point: readonly [number, number]): [number, number];
}

/** A line from end to end of each interval. */
function whiskers(results: readonly Result[]): object {
  const drawn = (_params: unknown, canvas: Canvas): object => {
    const at = canvas.value(0);
    const [from, y] = canvas.coord([canvas.value(1), at]);
    const [to] = canvas.coord([canvas.value(2), at]);
    const line = (x1: number, y1: number, x2: number, y2: number): object => ({ type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: '#1c2326', lineWidth: 1.5 } });
    return { type: 'group', children: [line(from, y, to, y), line(from, y - 5, from, y + 5), line(to, y - 5, to, y + 5)] };
  };
  return { type: 'custom', xAxisIndex: 2, yAxisIndex: 2, z: 5, renderItem: drawn, encode: { x: [1, 2], y: 0 }, data: results.map(({ revenue: { mean, within } }, index) => [index, mean - within, mean + within]) };
}
