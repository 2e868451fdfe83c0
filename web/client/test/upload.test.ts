// @vitest-environment jsdom
import { afterEach, beforeEach, expect, it } from 'vitest';
import { uploadFiles, UploadError } from '../src/index.ts';
import { Service } from './service.ts';

let service: Service;
beforeEach(async () => {
  service = await Service.start();
  service.frozen = true;
});
afterEach(() => service.stop());

const REFUSED = '<Error><Code>AccessDenied</Code><Message>Not this one.</Message></Error>';
const EXPIRED =
  '<Error><Code>AccessDenied</Code><Message>Invalid according to Policy: Policy expired.</Message></Error>';

function upload(name: string, content = 'x'.repeat(1000)) {
  const file = new File([content], name, { type: 'image/jpeg' });
  return {
    grant: { url: `${service.url}/store`, fields: { key: `uploads/${name}`, policy: 'p' } },
    file,
  };
}

it('sends the grant as it is, the file behind it, and reports every byte', async () => {
  const reports: number[] = [];
  const sent: number[] = [];
  const failures = await uploadFiles([upload('a.jpg'), upload('b.jpg')], {
    onProgress: (progress) => {
      expect(progress.total).toBe(2000);
      reports.push(progress.sent);
    },
    onSent: (index) => sent.push(index),
  });
  expect(failures).toEqual([]);
  expect(sent.sort()).toEqual([0, 1]);
  expect(reports.at(-1)).toBe(2000);
  expect(service.uploads).toHaveLength(2);
  const body = String(service.uploads[0]);
  expect(body).toContain('uploads/');
  expect(body.indexOf('name="policy"')).toBeLessThan(body.indexOf('name="file"'));
  expect(body).toContain('x'.repeat(1000));
});

it('tries again after a server error, with the whole file', async () => {
  service.next.set('POST /store', [{ status: 500 }, { status: 503 }]);
  expect(await uploadFiles([upload('a.jpg')], { backoff: 10 })).toEqual([]);
  expect(service.routes('POST /store')).toBe(3);
  expect(String(service.uploads[0])).toContain('x'.repeat(1000));
});

it('gives one file up after three tries, and sends the others', async () => {
  const busy = { status: 503 };
  service.next.set('POST /store', [busy, busy, busy]);
  const failures = await uploadFiles([upload('a.jpg'), upload('b.jpg')], {
    backoff: 10,
    concurrency: 1,
  });
  expect(failures.map(({ index }) => index)).toEqual([0]);
  expect(failures[0]!.error).toMatchObject({
    code: 'upload_refused',
    status: 503,
    fileName: 'a.jpg',
  });
  expect(service.uploads).toHaveLength(1);
});

it('does not repeat a refusal, and says what the store said', async () => {
  service.next.set('POST /store', [{ status: 403, body: REFUSED }]);
  const [failure] = await uploadFiles([upload('a.jpg')], { backoff: 10 });
  expect(failure!.error).toBeInstanceOf(UploadError);
  expect(failure!.error).toMatchObject({
    code: 'upload_refused',
    message: 'a.jpg was refused: Not this one.',
  });
  expect(service.routes('POST /store')).toBe(1);
});

it('tells an expired grant apart: by the store, and by the clock', async () => {
  service.next.set('POST /store', [
    { status: 403, body: EXPIRED },
    { status: 403, body: REFUSED },
  ]);
  const late = { ...upload('b.jpg'), expiresAt: Date.now() - 1 };
  const failures = await uploadFiles([upload('a.jpg'), late], { concurrency: 1 });
  expect(failures.map(({ error }) => error.code)).toEqual(['upload_expired', 'upload_expired']);
  expect(service.routes('POST /store')).toBe(2);
});

it('is interrupted where nobody listens, after retries', async () => {
  const one = upload('a.jpg');
  await service.stop();
  const [failure] = await uploadFiles([one], { backoff: 10 });
  expect(failure!.error).toMatchObject({ code: 'upload_interrupted', status: 0 });
});

it('stops when it is aborted', async () => {
  const stop = new AbortController();
  const sending = uploadFiles([upload('a.jpg'), upload('b.jpg'), upload('c.jpg')], {
    signal: stop.signal,
    concurrency: 1,
    onSent: () => stop.abort(),
  });
  await expect(sending).rejects.toMatchObject({ name: 'AbortError' });
  expect(service.uploads).toHaveLength(1);
});
