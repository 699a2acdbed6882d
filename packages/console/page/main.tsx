import { render } from 'preact';
import { App } from './app.js';

const root = document.getElementById('page');
if (root === null) throw new Error('expected an element with the id "page" in index.html');
render(<App />, root);
