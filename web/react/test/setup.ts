import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

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
