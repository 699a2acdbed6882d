import type { HistogramJson } from '../../src/contract/contract.js';
import { bars } from '../../src/page/bars.js';
import { countText } from '../../src/page/count-text.js';
import { durationText, exactText } from '../../src/page/time-text.js';

interface HistogramProps {
  readonly histogram: HistogramJson;
  readonly size: 'small' | 'large';
}

const SIZES = { small: { width: 120, height: 28 }, large: { width: 720, height: 96 } };

/** Failures over time, drawn. */
export function Histogram({ histogram, size }: HistogramProps) {
  const { width, height } = SIZES[size];
  const { from, stepMs, counts } = histogram;
  if (counts.length === 0) return <span class="dim">no times</span>;
  const all = bars(histogram, width, height);
  const highest = Math.max(...counts);
  const text = `${countText(
    counts.reduce((sum, each) => sum + each, 0),
    'failure',
  )} from ${exactText(from)} to ${exactText(from + counts.length * stepMs)}, at most ${highest} in ${durationText(stepMs)}`;
  return (
    <figure class={`histogram ${size}`}>
      <svg viewBox={`0 0 ${width} ${height + 1}`} preserveAspectRatio="none" role="img" aria-label={text}>
        <title>{text}</title>
        {all.map((bar) => (
          <rect key={bar.x} class="bar" x={bar.x} y={bar.y} width={bar.width} height={bar.height}>
            {size === 'large' && <title>{`${countText(bar.count, 'failure')}, ${exactText(bar.at)}`}</title>}
          </rect>
        ))}
        <line class="ground" x1="0" x2={width} y1={height + 0.5} y2={height + 0.5} />
      </svg>
      {size === 'large' && (
        <figcaption>
          <span>{exactText(from).slice(0, 16)} UTC</span>
          <span>
            a bar is {durationText(stepMs)}, the highest {countText(highest, 'failure')}
          </span>
          <span>{exactText(from + counts.length * stepMs).slice(0, 16)} UTC</span>
        </figcaption>
      )}
    </figure>
  );
}
