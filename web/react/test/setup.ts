import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// Sixty uploads through jsdom take a while on a busy machine.
configure({ asyncUtilTimeout: 10_000 });

// jsdom has neither; the component only ever hands what they return to an image.
let made = 0;
export const objectUrls = new Set<string>();
URL.createObjectURL = () => {
  const url = `blob:${(made += 1)}`;
  objectUrls.add(url);
  return url;
};
URL.revokeObjectURL = (url) => void objectUrls.delete(url);

afterEach(cleanup);
