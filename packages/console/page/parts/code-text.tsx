import { jsonTokens } from '../../src/page/json-tokens.js';
import { StrangerText } from './stranger-text.js';

interface CodeTextProps {
  readonly text: string;
  readonly label: string;
  readonly isJson?: boolean;
}

/** A text of strangers as it is, in letters of one width; JSON in colours. */
export function CodeText({ text, label, isJson = false }: CodeTextProps) {
  return (
    <pre tabIndex={0} role="region" aria-label={label}>
      {isJson ? (
        jsonTokens(text).map((token, index) => (
          <span key={index} class={`json-${token.kind}`}>
            <StrangerText text={token.text} />
          </span>
        ))
      ) : (
        <StrangerText text={text} />
      )}
    </pre>
  );
}
