/**
 * The preset of Jest: `{ preset: '@leveret/testing' }`. Jest's own loader cannot require ES modules, which leveret and
 * inversify are: the preset says that they are to be transformed, and by what. What transforms a project's own files
 * (ts-jest, @swc/jest, babel-jest) stands beside it, in the project's `transform`.
 *
 * Jest merges `transform`, but a `transformIgnorePatterns` of the project replaces the one of the preset: it has to let these
 * packages through, too.
 *
 * @see https://jestjs.io/docs/configuration#preset-string
 */
const packages = '(?:leveret|@leveret|inversify|@inversifyjs)';
// pnpm has packages in node_modules/.pnpm/<name>@<version>/node_modules/<name>.
const store = '(?:\\.pnpm/[^/]+/node_modules/)?';

export = {
  transform: { [`/node_modules/${store}${packages}/.+\\.js$`]: require.resolve('./jest-transform.cjs') },
  transformIgnorePatterns: [`/node_modules/(?!${store}${packages}/)`],
};
