/** What every public package says about itself. The root's package.json says where the repository is. */
import { exists, read } from './sources.mjs';

/** What is missing or wrong in the manifest of a package, for people. */
export function metadataFaults(home, manifest) {
  const { repository, bugs } = JSON.parse(read('package.json'));
  const web = repository.url.replace(/^git\+|\.git$/g, '');
  const faults = [];
  const expect = (holds, what) => {
    if (!holds) faults.push(`${home}/package.json: expected ${what}`);
  };
  expect(manifest.description?.length > 20, 'a description');
  expect(manifest.license === 'MIT', 'license MIT');
  expect(manifest.engines?.node !== undefined, 'engines.node');
  expect(
    manifest.repository?.type === 'git' &&
      manifest.repository.url === repository.url &&
      manifest.repository.directory === home,
    `repository { type: git, url: ${repository.url}, directory: ${home} }`,
  );
  expect(manifest.bugs?.url === bugs.url, `bugs.url ${bugs.url}`);
  expect(manifest.homepage === `${web}/tree/main/${home}#readme`, `homepage ${web}/tree/main/${home}#readme`);
  expect(
    Array.isArray(manifest.keywords) && manifest.keywords.length >= 3 && manifest.keywords.includes('rabbitmq'),
    'three keywords or more, rabbitmq among them',
  );
  // For whoever resolves without `exports`: "moduleResolution": "node10".
  const { '.': own } = manifest.exports ?? {};
  expect(manifest.main === own?.default && manifest.types === own?.types, 'main and types as in exports["."]');
  expect(manifest.publishConfig?.access === 'public', 'publishConfig.access public');
  expect(manifest.publishConfig?.provenance === true, 'publishConfig.provenance true');
  expect(exists(`${home}/README.md`), 'a README.md beside it');
  return faults;
}
