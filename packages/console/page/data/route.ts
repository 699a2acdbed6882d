import { Store } from './store.js';

/** Where the page is: the words behind `#/`, decoded. */
export const route = new Store<readonly string[]>(read());

/** Takes the token that a link has brought, and removes it from the address and from the history. */
export function takeToken(): string | undefined {
  const token = /^#token=([^&]+)/.exec(location.hash)?.[1];
  if (token === undefined) return undefined;
  history.replaceState(null, '', `${location.pathname}${location.search}#/errors`);
  route.set(read());
  return decode(token);
}

/** `#/errors/3f9a` */
export function linkTo(...words: readonly string[]): string {
  return `#/${words.map(encodeURIComponent).join('/')}`;
}

export function goTo(...words: readonly string[]): void {
  location.hash = linkTo(...words);
}

window.addEventListener('hashchange', () => route.set(read()));

function read(): readonly string[] {
  const words = location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .filter((word) => word !== '');
  return words.length === 0 || words[0]?.startsWith('token=') === true ? ['errors'] : words.map(decode);
}

function decode(word: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
}
