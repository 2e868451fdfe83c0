import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callService, retryAfterOf } from '../src/http.ts';
import { Darkroom, MalformedError, RefusedError, UnreachableError } from '../src/index.ts';
import { KEY, problem, Service, TOKEN } from './service.ts';

let service: Service;
beforeEach(async () => void (service = await Service.start()));
afterEach(() => service.stop());

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );
const photo = (name: string, type = 'image/jpeg') => new File(['bytes'], name, { type });

describe('what can go wrong', () => {
  it('is a refusal with its code, its wrong fields and its request id', async () => {
    const fields = [{ field: 'options.model', message: 'is not known' }];
    service.next.set('POST /jobs', [
      problem(422, 'invalid_options', 'The options are not valid.', { errors: fields }),
    ]);
    const darkroom = new Darkroom({ apiUrl: service.url, apiKey: KEY });
    const error = await caught(darkroom.createJob([photo('a.jpg')]));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({
      status: 422,
      code: 'invalid_options',
      message: 'The options are not valid.',
      fields,
      requestId: 'r1',
      temporary: false,
    });
    expect(service.routes('POST /jobs')).toBe(1);
  });

  it('is unreachable where nobody listens', async () => {
    const { url } = service;
    await service.stop();
    const error = await caught(callService(`${url}/models`, { tries: 1 }));
    expect(error).toBeInstanceOf(UnreachableError);
    expect(error).toMatchObject({ code: 'unreachable' });
    expect((error as Error).message).toContain('cannot be reached');
  });

  it('lists the presets', async () => {
    const [preset] = await new Darkroom({ apiUrl: service.url }).presets();
    expect(preset).toMatchObject({ name: 'amazon', options: { dpi: 300 } });
    service.next.set('GET /presets', [{ status: 200, body: '{"presets": [{}]}' }]);
    const error = await caught(new Darkroom({ apiUrl: service.url }).presets());
    expect(error).toBeInstanceOf(MalformedError);
  });

  it.each(['<html>A proxy</html>', '{"models": 3}', '[]', 'null'])(
    'is malformed: %s',
    async (body) => {
      service.next.set('GET /models', [{ status: 200, body }]);
      const error = await caught(new Darkroom({ apiUrl: service.url }).models());
      expect(error).toBeInstanceOf(MalformedError);
    },
  );

  it('is a refusal even where there is no problem document', async () => {
    service.next.set('GET /models', [{ status: 403, body: 'Forbidden by a proxy' }]);
    const error = await caught(new Darkroom({ apiUrl: service.url }).models());
    expect(error).toMatchObject({ name: 'RefusedError', status: 403, code: 'http_403' });
  });

  it('is malformed where an own back end answers with something else', async () => {
    const createJob = async () => ({ ok: true }) as never;
    const darkroom = new Darkroom({ apiUrl: service.url, createJob });
    expect(await caught(darkroom.createJob([photo('a.jpg')]))).toBeInstanceOf(MalformedError);
  });
});

describe('retries', () => {
  it('waits as long as Retry-After asks', async () => {
    const busy = { ...problem(429, 'too_many', 'Slow down.'), headers: { 'Retry-After': '1' } };
    service.next.set('GET /models', [busy]);
    const begun = Date.now();
    const models = await new Darkroom({ apiUrl: service.url }).models();
    expect(models.models).toEqual(['small', 'large']);
    expect(Date.now() - begun).toBeGreaterThanOrEqual(990);
  });

  it('repeats a POST after 503, which was not carried out, but not after 500', async () => {
    const darkroom = new Darkroom({ apiUrl: service.url, apiKey: KEY });
    service.next.set('POST /jobs', [{ status: 503, headers: { 'Retry-After': '0' } }]);
    expect((await darkroom.createJob([photo('a.jpg')])).job.jobId).toBe('job1');
    service.next.set('POST /jobs', [problem(500, 'internal', 'Something went wrong.')]);
    expect(await caught(darkroom.createJob([photo('a.jpg')]))).toMatchObject({ code: 'internal' });
    expect(service.routes('POST /jobs')).toBe(3);
  });

  it('gives up after three tries', async () => {
    const busy = { status: 503, headers: { 'Retry-After': '0' } };
    service.next.set('GET /models', [busy, busy, busy, busy]);
    expect(await caught(new Darkroom({ apiUrl: service.url }).models())).toMatchObject({
      status: 503,
    });
    expect(service.routes('GET /models')).toBe(3);
  });

  it('stops waiting when it is aborted', async () => {
    service.next.set('GET /models', [{ status: 503, headers: { 'Retry-After': '20' } }]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 50);
    const error = await caught(new Darkroom({ apiUrl: service.url }).models(stop.signal));
    expect(error).toMatchObject({ name: 'AbortError' });
  });

  it('reads Retry-After as seconds and as a date', () => {
    expect(retryAfterOf('2')).toBe(2000);
    expect(retryAfterOf(new Date(Date.now() + 60_000).toUTCString())).toBeGreaterThan(58_000);
    expect(retryAfterOf('soon')).toBeUndefined();
    expect(retryAfterOf(null)).toBeUndefined();
  });
});

describe('credentials', () => {
  it('sends the key to create a job and the token for all that follows', async () => {
    const darkroom = new Darkroom({ apiUrl: `${service.url}/`, apiKey: async () => KEY });
    const { job } = await darkroom.createJob([photo('a.jpg'), photo('b.weird', 'text; odd')], {
      model: 'large',
    });
    await job.progress();
    await job.cancel();
    await job.delete();
    expect(service.calls.map(({ authorization }) => authorization)).toEqual([
      `Bearer ${KEY}`,
      `Bearer ${TOKEN}`,
      `Bearer ${TOKEN}`,
      `Bearer ${TOKEN}`,
    ]);
    expect(JSON.parse(service.calls[0]!.body)).toEqual({
      files: [
        { name: 'a.jpg', size: 5, content_type: 'image/jpeg' },
        { name: 'b.weird', size: 5, content_type: 'application/octet-stream' },
      ],
      options: { model: 'large' },
    });
  });

  it('lets an own back end create the job and never sends a key', async () => {
    let asked: unknown;
    const darkroom = new Darkroom({
      apiUrl: service.url,
      createJob: async (request) => {
        asked = request;
        return {
          job_id: 'job1',
          token: TOKEN,
          websocket_url: '',
          expires_at: '',
          files: [
            {
              file_id: '000000',
              name: 'a.jpg',
              upload: { url: `${service.url}/store`, fields: {} },
            },
          ],
        };
      },
    });
    const { job } = await darkroom.createJob([photo('a.jpg')]);
    await job.progress();
    expect(asked).toMatchObject({ files: [{ name: 'a.jpg' }] });
    expect(service.calls.map(({ route }) => route)).toEqual(['GET /jobs/job1']);
  });
});

describe('results', () => {
  it('reads every page of files', async () => {
    service.names = ['a.jpg', 'broken.jpg', 'c.jpg', 'd.jpg', 'notes.txt'];
    service.finish();
    const job = new Darkroom({ apiUrl: service.url }).job({
      jobId: 'job1',
      token: TOKEN,
      websocketUrl: '',
    });
    const names = async (status?: 'failed') => {
      const found: string[] = [];
      for await (const file of job.everyFile(status ? { status } : {})) found.push(file.name);
      return found;
    };
    expect(await names()).toEqual(service.names);
    expect(await names('failed')).toEqual(['broken.jpg']);
    expect((await job.file('000002')).result?.url).toBe(`${service.url}/result/2.png`);
    expect(await job.dataUrl('000002')).toBe('data:image/png;base64,AAAA');
    expect(await job.archiveUrl()).toBe(`${service.url}/all.zip`);
  });
});
