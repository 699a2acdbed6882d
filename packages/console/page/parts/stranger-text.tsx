import type { ComponentChildren } from 'preact';
import { visibleText } from '../../src/page/visible-text.js';

interface StrangerTextProps {
  readonly text: string;
  /** It is a name: broken behind its dots where it does not fit. */
  readonly isName?: boolean;
}

/** A text of strangers: only ever text, with its invisible characters named, and never turned round. */
export function StrangerText({ text, isName = false }: StrangerTextProps) {
  return (
    <bdi>
      {visibleText(text).map((piece, index) =>
        piece.hidden ? (
          <span
            key={index}
            class="hidden-character"
            title="a character that shows nothing, or turns what stands behind it"
          >
            {piece.text}
          </span>
        ) : isName ? (
          breakable(piece.text)
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}

function breakable(name: string): ComponentChildren {
  return name.split(/(?<=[.:_/-])/).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]));
}
