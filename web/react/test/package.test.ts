import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const text = (name: string) => readFileSync(path(name), 'utf8');

it('has PhotoProcessor.jsx as its sources make it', () => {
  expect(() => execFileSync('node', [path('../scripts/onefile.mjs'), '--check'])).not.toThrow();
});

it('needs nothing but react and react-dropzone', () => {
  const imported = [...text('../PhotoProcessor.jsx').matchAll(/from '([^']+)';$/gm)].map(
    ([, name]) => name,
  );
  expect(imported).toEqual(['react', 'react-dropzone']);
});

it('documents every prop, and no other', () => {
  const declared = /interface PhotoProcessorProps \{([\s\S]*?)\n\}/.exec(
    text('../src/PhotoProcessor.tsx'),
  )![1]!;
  const props = [...declared.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
  const table = text('../README.md').split('## Props')[1]!.split('\n## ')[0]!;
  const documented = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);
  expect(documented).toEqual(props);
});

it('documents every variable of the theme, and no other', () => {
  const used = new Set(text('../src/styles.ts').match(/--darkroom-[a-z-]+[a-z]/g));
  const documented = new Set(text('../README.md').match(/--darkroom-[a-z-]+[a-z]/g));
  expect([...documented].sort()).toEqual([...used].sort());
});

it('locks versions without an address to download them from', () => {
  for (const lock of ['../../package-lock.json', '../../react18/package-lock.json']) {
    const packages = Object.values(JSON.parse(text(lock)).packages) as { resolved?: string }[];
    expect(packages.filter(({ resolved }) => resolved?.includes('://'))).toEqual([]);
  }
});
