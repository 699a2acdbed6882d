// What goes over HTTP.
export { CSRF_HEADER, MASK, type Role } from './contract.js';
