import type { SessionJson } from '../../src/contract/contract.js';
import { Dialog } from '../parts/dialog.js';

const KEYS: readonly (readonly [key: string, what: string])[] = [
  ['/', 'filter what is shown'],
  ['j, k', 'to the next row, to the one before'],
  ['Enter', 'open the row'],
  ['Esc', 'close a dialog; one level up'],
  ['?', 'this help'],
];

/** What the keys do, what the words mean, and what this console cannot show. */
export function HelpDialog({ who, onClose }: { readonly who: SessionJson; onClose(): void }) {
  return (
    <Dialog title="Help" onClose={onClose}>
      <table>
        <caption class="for-readers">Keys</caption>
        <tbody>
          {KEYS.map(([key, what]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{what}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <dl>
        <dt>Group</dt>
        <dd>Messages that failed at the same place with the same error.</dd>
        <dt>Canary</dt>
        <dd>So many messages go first. The others follow only when listeners have said that they handled these.</dd>
        <dt>Looking</dt>
        <dd>Changes nothing: neither the order of a queue nor how often its messages were delivered.</dd>
      </dl>
      {who.cannotShow.length > 0 && (
        <>
          <h3>What this console cannot show</h3>
          <ul>
            {who.cannotShow.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
      {who.masked.length > 0 && <p>Masked on the server: {who.masked.join(', ')}</p>}
      <p class="dim">
        {who.broker.url}, {who.broker.product} {who.broker.version}
        {who.broker.management ? '' : ', without management API'}
      </p>
    </Dialog>
  );
}
