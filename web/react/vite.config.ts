import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import type { Plugin } from 'vite';

/** Keeps `import.meta.env`, which Vite would replace now, for the build of whoever uses the package. */
function keepEnvironment(): Plugin {
  const kept = '__DARKROOM_META_ENV__';
  return {
    name: 'keep-environment',
    enforce: 'pre',
    transform: (code) => code.replaceAll('import.meta.env', kept),
    generateBundle(_, bundle) {
      for (const chunk of Object.values(bundle)) {
        if (chunk.type === 'chunk') chunk.code = chunk.code.replaceAll(kept, 'import.meta.env');
      }
    },
  };
}

/** The package is the very file that people copy. */
export default defineConfig({
  plugins: [keepEnvironment(), react()],
  build: {
    target: 'es2022',
    minify: false,
    lib: { entry: 'PhotoProcessor.jsx', formats: ['es'], fileName: () => 'index.js' },
    rolldownOptions: { external: ['react', 'react/jsx-runtime', 'react-dropzone'] },
  },
});
