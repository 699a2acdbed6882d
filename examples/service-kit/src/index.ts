export { openServiceDatabase, type ServiceDatabase } from './service-database.js';
export { HttpError, type JsonRoutes, JsonServer } from './json-server.js';
