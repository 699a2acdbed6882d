/**
 * What stands where on the site: the paths of its readers, and the pages in the order of the sidebar. A page of docs/ that no group
 * names stands in the last one, so that a new one is never missing.
 */

/** What of the repository is a page, besides docs/: path from the root, and its place on the site. */
export const FURTHER_PAGES = {
  'CHANGELOG.md': 'changelog.md',
  'SECURITY.md': 'security-policy.md',
  'CONTRIBUTING.md': 'contributing.md',
  'README.md': 'overview.md',
};

export const GROUPS = [
  {
    text: 'Start',
    pages: [
      'five-minutes',
      'overview',
      'coming-from-spring',
      'coming-from-golevelup',
      'coming-from-rascal',
      'coming-from-dotnet',
      'compatibility',
      'glossary',
    ],
  },
  {
    text: 'Consuming',
    pages: ['listeners', 'standard-decorators', 'functions', 'payloads', 'containers', 'nestjs', 'streams', 'journey'],
  },
  { text: 'Publishing', pages: ['publishing', 'topology'] },
  { text: 'When it fails', pages: ['retry', 'outages', 'errors', 'shutdown'] },
  { text: 'One effect per message', pages: ['idempotency', 'outbox', 'polling', 'recipes', 'reliability'] },
  { text: 'Testing', pages: ['testing', 'embedded-broker'] },
  { text: 'Operating', pages: ['production', 'scale', 'performance', 'security', 'cli', 'operations', 'console'] },
];

/** Pages whose own title says too little beside others. */
export const TITLES = { overview: 'Overview', 'security-policy': 'Security policy' };

/** The last group. */
export const REST = 'More';

/** A path for each reader: shown at home, in this order. `pages`: what to read, one behind the other. */
export const READERS = [
  {
    title: 'Five minutes',
    details: 'No broker, no account: an embedded broker and one listener.',
    page: 'five-minutes',
  },
  {
    title: 'From Spring AMQP',
    details: 'The same names; property by property what is alike and what differs.',
    page: 'coming-from-spring',
  },
  {
    title: 'From golevelup',
    details: 'The NestJS module beside it, decorator by decorator.',
    page: 'coming-from-golevelup',
  },
  {
    title: 'From rascal',
    details: 'Vhosts, publications and subscriptions as listeners and channels.',
    page: 'coming-from-rascal',
  },
  {
    title: 'Operating it',
    details: 'A service in production, what to watch, what to do about errors.',
    page: 'production',
  },
  { title: 'Every name', details: 'The API reference, made from the docstrings.', page: 'api/' },
];
