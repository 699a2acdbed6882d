import { countText } from '../../src/page/count-text.js';
import { foldDiff, lineDiff } from '../../src/page/line-diff.js';
import { StrangerText } from './stranger-text.js';

const SIGNS = { same: ' ', removed: '−', added: '+' };
const WORDS = { same: '', removed: 'removed: ', added: 'added: ' };

/** What an edit changes, line by line. */
export function Diff({
  before,
  after,
  label,
}: {
  readonly before: string;
  readonly after: string;
  readonly label: string;
}) {
  const lines = lineDiff(before, after);
  if (lines.every(({ kind }) => kind === 'same')) return <p class="dim">{label}: unchanged</p>;
  return (
    <div class="diff" role="region" aria-label={`${label}: what changes`} tabIndex={0}>
      {foldDiff(lines).map((row, index) =>
        row.kind === 'skipped' ? (
          <div key={index} class="skipped">
            {countText(row.count, 'line')} the same
          </div>
        ) : (
          <div key={index} class={row.kind}>
            <span class="number" aria-hidden="true">
              {row.after ?? row.before}
            </span>
            <span class="sign" aria-hidden="true">
              {SIGNS[row.kind]}
            </span>
            <code>
              <span class="for-readers">{WORDS[row.kind]}</span>
              <StrangerText text={row.text} />
            </code>
          </div>
        ),
      )}
    </div>
  );
}
