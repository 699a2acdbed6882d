import type { TimelineJson } from '../../src/contract/contract.js';
import { places } from '../../src/page/places.js';
import { durationText, exactText } from '../../src/page/time-text.js';
import { Ago } from './ago.js';
import { StrangerText } from './stranger-text.js';

const WIDTH = 420;
const GAP = 26;
const MARGIN = 14;
const LINE = 20;

const WORDS: Readonly<Record<TimelineJson['what'], string>> = {
  published: 'published',
  attempts: 'attempts failed',
  redelivered: 'redelivered',
  'dead-lettered': 'dead-lettered',
  parked: 'parked',
  edited: 'edited',
  retried: 'sent back',
};

/** What has become of a message so far: drawn in proportion to time, and told line by line. */
export function Timeline({ steps }: { readonly steps: readonly TimelineJson[] }) {
  const stands = places(
    steps.map(({ at }) => at),
    WIDTH - 2 * MARGIN,
    GAP,
  );
  const xs = stands.filter((place) => place !== undefined).map(({ x }) => x + MARGIN);
  return (
    <div class="timeline">
      {xs.length > 1 && (
        <svg
          viewBox={`0 0 ${WIDTH} ${2 * LINE}`}
          role="img"
          aria-label={`${steps.length} steps over ${spanOf(steps)}, listed below`}
        >
          <line class="ground" x1={Math.min(...xs)} x2={Math.max(...xs)} y1={LINE} y2={LINE} />
          {steps.map((step, index) => {
            const place = stands[index];
            if (place === undefined) return null;
            return (
              <g key={index} class={`step ${step.what}`}>
                <title>{`${WORDS[step.what]}, ${exactText(place.at)}`}</title>
                <circle cx={place.x + MARGIN} cy={LINE} r="8" />
                <text x={place.x + MARGIN} y={LINE + 4}>
                  {index + 1}
                </text>
              </g>
            );
          })}
        </svg>
      )}
      <ol>
        {steps.map((step, index) => (
          <li key={index} class={`step ${step.what}`}>
            <span class="mark" aria-hidden="true">
              {index + 1}
            </span>
            <div>
              <strong>{WORDS[step.what]}</strong>
              {step.where !== undefined && (
                <>
                  {' '}
                  <StrangerText text={step.where} />
                </>
              )}{' '}
              <span class="when">
                <Ago at={step.at} or="" />
                {pauseBefore(steps, index)}
              </span>
              {step.detail !== undefined && (
                <span class="sub">
                  <StrangerText text={step.detail} />
                </span>
              )}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}

function pauseBefore(steps: readonly TimelineJson[], index: number): string {
  const at = steps[index]?.at;
  const before = steps.slice(0, index).findLast((step) => step.at !== undefined)?.at;
  if (at === undefined || before === undefined || at < before) return '';
  return `, ${durationText(at - before)} later`;
}

function spanOf(steps: readonly TimelineJson[]): string {
  const times = steps.flatMap(({ at }) => at ?? []);
  return durationText(Math.max(...times) - Math.min(...times));
}
