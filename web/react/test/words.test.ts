import { expect, it } from 'vitest';
import { action, bar, bytes } from '../src/words.ts';
import type { Moment } from '../src/words.ts';

const moment = (changes: Partial<Moment>, document: object = {}): Moment => ({
  phase: 'settled',
  files: 3,
  sent: 0,
  total: 0,
  connection: 'websocket',
  document: {
    job_id: 'j',
    status: 'completed',
    sequence: 1,
    progress: { processed: 3, total: 3, percentage: 100 },
    summary: { succeeded: 3, failed: 0, skipped: 0 },
    archive: { status: 'ready' },
    recent: [],
    error: null,
    ...document,
  },
  ...changes,
});

it.each([
  [999, '999 B'],
  [1_500, '1.5 kB'],
  [999_600, '1.0 MB'],
  [126_000_000, '126 MB'],
  [10_000_000_000, '10 GB'],
])('writes %d bytes as %s', (value, text) =>
  expect(bytes(value).replace('\u00a0', ' ')).toBe(text),
);

it('names the action by what it does', () => {
  expect(action({}, 1, 0)).toBe('Cut out 1 photo');
  expect(action({ crop_face: true }, 1998, 0)).toBe('Cut out and crop 1,998 photos');
  expect(action({ remove_bg: false, crop_face: true }, 2, 1)).toBe('Crop 2 files');
});

it('never calls a job done where some photos need attention', () => {
  const words = bar(moment({}, { summary: { succeeded: 1991, failed: 3, skipped: 2 } }));
  expect([words.title, words.failed]).toEqual(['1,991 ready', '3 need attention']);
});

it('says what a failed, a stopped and an expired job left', () => {
  const none = { succeeded: 0, failed: 1, skipped: 0 };
  const error = { code: 'x', message: 'No photo could be read.' };
  expect(bar(moment({}, { status: 'failed', summary: none, error })).spoken).toBe(
    'Nothing is ready. 1 needs attention. No photo could be read.',
  );
  expect(bar(moment({}, { status: 'cancelled' })).detail).toBe(
    'What is ready stays ready: 3 photos.',
  );
  expect(bar(moment({}, { status: 'expired', error })).title).toBe('Nothing arrived');
});

it('says that it is offline, and when the ZIP is being built', () => {
  expect(bar(moment({ phase: 'working', connection: 'none' })).detail).toBe(
    'No connection. It goes on by itself when you are back.',
  );
  expect(bar(moment({ phase: 'working' }, { archive: { status: 'building' } })).detail).toBe(
    'Building the ZIP.',
  );
});
