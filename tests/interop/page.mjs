// Writes a page that contains `page.js` and Amplify v6.
// Usage: node page.mjs FOLDER
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

// `import` does not search NODE_PATH; `require` does.
const require = createRequire(import.meta.url);
const { outputFiles } = require('esbuild').buildSync({
  entryPoints: [fileURLToPath(new URL('page.js', import.meta.url))],
  bundle: true,
  minify: true,
  write: false,
  nodePaths: [process.env.NODE_PATH],
});
const script = outputFiles[0].text.replaceAll('</script', '<\\/script');
const page = `<!doctype html><meta charset="utf-8"><title>Amplify</title><script>${script}</script>`;
writeFileSync(`${process.argv[2]}/index.html`, page);
console.log('page written');
