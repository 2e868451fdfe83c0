import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// A busy machine draws three results in more than the library's second.
configure({ asyncUtilTimeout: 5_000 });

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
