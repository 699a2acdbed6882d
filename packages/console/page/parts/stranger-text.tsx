import { visibleText } from '../../src/page/visible-text.js';

/** A text of strangers: only ever text, with its invisible characters named, and never turned round. */
export function StrangerText({ text }: { readonly text: string }) {
  return (
    <bdi>
      {visibleText(text).map((piece, index) =>
        piece.hidden ? (
          <span key={index} class="hidden-character" title="a character that shows nothing, or turns what stands behind it">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </bdi>
  );
}
