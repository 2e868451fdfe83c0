import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const client = { find: '@darkroom/client', replacement: here('../client/src/index.ts') };
const packages = 'react|react-dom|react-dropzone|@testing-library/react';
/** `REACT=18`: React 18 and the oldest react-dropzone, installed in web/react18. */
const react18 = {
  find: new RegExp(`^(${packages})(/.*)?$`),
  replacement: `${here('../react18/node_modules')}/$1$2`,
};

export default defineConfig({
  resolve: { alias: process.env.REACT === '18' ? [client, react18] : [client] },
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    setupFiles: ['test/setup.ts'],
    testTimeout: 20_000,
  },
});
