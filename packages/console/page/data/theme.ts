import { Store } from './store.js';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'leveret-theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = new Store<Theme>(stored());

theme.watch(apply);
apply(theme.value);

/** The next of the three. */
export function turnTheme(): void {
  theme.set(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system');
}

function apply(value: Theme): void {
  document.documentElement.dataset['theme'] = value;
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // A browser that keeps nothing forgets the choice.
  }
}

function stored(): Theme {
  try {
    return THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'system';
  } catch {
    return 'system';
  }
}
