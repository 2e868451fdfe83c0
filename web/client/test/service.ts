/**
 * A stand-in for the API, the store and the WebSocket, on 127.0.0.1: it keeps to the documented
 * answers and does no image work. Files whose name begins with `broken` fail.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { WebSocket as Connection } from 'ws';

export const KEY = 'the-key';
export const TOKEN = 'job1.token';

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
}

type Document = Record<string, unknown> & { sequence: number };

export class Service {
  /** Answers to give first, by `METHOD /path` below the API or `POST /store`. */
  readonly next = new Map<string, Answer[]>();
  readonly calls: { route: string; authorization: string | undefined; body: string }[] = [];
  readonly uploads: Buffer[] = [];
  readonly connections = new Set<Connection>();
  models = ['small', 'large'];
  refuseSocket = false;
  /** No photo is processed. */
  frozen = false;
  names: string[] = [];
  document: Document = this.progress({});
  url = '';
  socketUrl = '';
  private readonly http = createServer((request, response) => void this.serve(request, response));
  private readonly sockets = new WebSocketServer({ noServer: true });

  static async start(): Promise<Service> {
    const service = new Service();
    service.http.on('upgrade', (request, socket, head) => {
      const token = new URL(request.url ?? '', 'http://x').searchParams.get('token');
      if (service.refuseSocket || token !== TOKEN) return socket.destroy();
      service.sockets.handleUpgrade(request, socket, head, (made) => service.talk(made));
    });
    await new Promise<void>((resolve) => service.http.listen(0, '127.0.0.1', resolve));
    const { port } = service.http.address() as AddressInfo;
    service.url = `http://127.0.0.1:${port}`;
    service.socketUrl = `ws://127.0.0.1:${port}/live`;
    return service;
  }

  async stop(): Promise<void> {
    for (const connection of this.connections) connection.terminate();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  progress(changes: Record<string, unknown>): Document {
    return {
      type: 'progress',
      job_id: 'job1',
      status: 'awaiting_upload',
      sequence: 1,
      progress: { processed: 0, total: null, percentage: 0 },
      summary: { succeeded: 0, failed: 0, skipped: 0 },
      archive: { status: 'none' },
      recent: [],
      error: null,
      ...changes,
    };
  }

  /** A newer document, to every connection. */
  move(changes: Record<string, unknown>): void {
    this.document = { ...this.document, sequence: this.document.sequence + 1, ...changes };
    this.send(this.document);
  }

  send(message: unknown): void {
    for (const connection of this.connections) connection.send(JSON.stringify(message));
  }

  drop(): void {
    for (const connection of this.connections) connection.close();
  }

  routes(route: string): number {
    return this.calls.filter((call) => call.route === route).length;
  }

  /** `succeeded` and the like, as files by their names. */
  finish(archive = 'ready'): void {
    const total = this.names.length;
    const failed = this.names.filter((name) => name.startsWith('broken')).length;
    const skipped = this.names.filter((name) => name.startsWith('notes')).length;
    const succeeded = total - failed - skipped;
    this.move({
      status: succeeded ? 'completed' : 'failed',
      progress: { processed: total, total, percentage: 100 },
      summary: { succeeded, failed, skipped },
      archive: succeeded ? { status: archive, bytes: 1_400_000 } : { status: 'none' },
      error: succeeded ? null : { code: 'nothing', message: 'No photo could be read.' },
    });
  }

  private talk(connection: Connection): void {
    this.connections.add(connection);
    connection.on('close', () => this.connections.delete(connection));
    connection.on('message', (data) => {
      const message = JSON.parse(String(data)) as { action: string };
      if (message.action === 'subscribe' && !this.frozen)
        connection.send(JSON.stringify(this.document));
      if (message.action === 'ping') connection.send(JSON.stringify({ type: 'pong' }));
    });
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const url = new URL(request.url ?? '', this.url);
    const route = `${request.method} ${url.pathname}`;
    if (request.method === 'OPTIONS') return this.answer(response, { status: 204 });
    this.calls.push({ route, authorization: request.headers.authorization, body: String(body) });
    const given = this.next.get(route)?.shift();
    if (given) return this.answer(response, given);
    return this.answer(
      response,
      this.usual(route, url.searchParams, body, request.headers.authorization),
    );
  }

  private usual(
    route: string,
    query: URLSearchParams,
    body: Buffer,
    authorization?: string,
  ): Answer {
    if (route === 'GET /models') {
      return { status: 200, body: { default: this.models[0], models: this.models } };
    }
    if (route === 'GET /presets') {
      const preset = { name: 'amazon', description: 'Amazon, main image', options: { dpi: 300 } };
      return { status: 200, body: { presets: [{ ...preset, source: null, checked: null }] } };
    }
    if (route === 'POST /jobs') {
      if (authorization !== `Bearer ${KEY}`)
        return problem(401, 'wrong_key', 'This is not the key.');
      return { status: 201, body: this.create(String(body)) };
    }
    if (route === 'POST /store') {
      this.uploads.push(body);
      if (this.uploads.length >= this.names.length && !this.frozen)
        setTimeout(() => this.finish(), 30);
      return { status: 204 };
    }
    if (authorization !== `Bearer ${TOKEN}`) return problem(401, 'wrong_token', 'Not the token.');
    const [, job, more, id] = (route.split(' ')[1] ?? '').split('/');
    if (job !== 'jobs' || more !== 'job1')
      return problem(404, 'unknown_job', 'There is no such job.');
    if (route === 'GET /jobs/job1') {
      const links = { download: `${this.url}/all.zip` };
      return { status: 200, body: { ...this.document, links } };
    }
    if (route === 'GET /jobs/job1/files') return { status: 200, body: this.page(query) };
    if (route === 'POST /jobs/job1/cancel') {
      this.move({ status: 'cancelled', progress: { processed: 1, total: 1, percentage: 100 } });
      return { status: 200, body: this.document };
    }
    if (route === 'POST /jobs/job1/retry') {
      this.names = this.names.map((name) => name.replace('broken', 'mended'));
      this.move({ status: 'processing', summary: { succeeded: 0, failed: 0, skipped: 0 } });
      setTimeout(() => this.finish(), 30);
      return { status: 202, body: this.document };
    }
    if (route === 'DELETE /jobs/job1') return { status: 204 };
    if (id === 'files') {
      const file = this.file(Number(route.split('/').pop()));
      const data = { ...file, data_url: 'data:image/png;base64,AAAA' };
      return { status: 200, body: query.get('as') === 'data-url' ? data : file };
    }
    return problem(404, 'unknown_route', 'There is nothing at this address.');
  }

  private create(body: string): unknown {
    this.names = (JSON.parse(body) as { files: { name: string }[] }).files.map(({ name }) => name);
    return {
      job_id: 'job1',
      token: TOKEN,
      status: 'awaiting_upload',
      files: this.names.map((name, index) => ({
        file_id: String(index).padStart(6, '0'),
        name,
        upload: { method: 'POST', url: `${this.url}/store`, fields: { key: `k${index}` } },
      })),
      websocket_url: this.socketUrl,
      expires_at: '2099-01-01T00:00:00Z',
    };
  }

  /** Pages of two: clients have to go on to the end. */
  private page(query: URLSearchParams): unknown {
    const status = query.get('status');
    const first = Number(query.get('cursor') ?? 0);
    const limit = this.names.length > 50 ? 100 : 2;
    const files = this.names.map((_, index) => this.file(index)).slice(first, first + limit);
    return {
      files: files.filter((file) => !status || file.status === status),
      cursor: first + limit < this.names.length ? String(first + limit) : null,
    };
  }

  private file(index: number) {
    const name = this.names[index] ?? '';
    const done = ['completed', 'failed'].includes(String(this.document.status));
    const failed = name.startsWith('broken');
    const skipped = name.startsWith('notes');
    const good = done && !failed && !skipped;
    return {
      file_id: String(index).padStart(6, '0'),
      name,
      status: !done ? 'queued' : failed ? 'failed' : skipped ? 'skipped' : 'succeeded',
      bytes: 5,
      error: done && failed ? { code: 'unreadable', message: 'The file is no photo.' } : null,
      result: good
        ? {
            url: `${this.url}/result/${index}.png`,
            content_type: 'image/png',
            bytes: 1234,
            width: 40,
            height: 30,
            faces: null,
            model: 'small',
            warnings: [],
          }
        : null,
    };
  }

  private answer(response: ServerResponse, { status, headers, body }: Answer): void {
    response.writeHead(status, {
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Headers': 'authorization, content-type',
      'Access-Control-Allow-Methods': 'GET, POST, DELETE',
      ...headers,
    });
    response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body));
  }
}

export function problem(status: number, code: string, detail: string, more: object = {}): Answer {
  return {
    status,
    headers: { 'Content-Type': 'application/problem+json' },
    body: { type: 'about:blank', status, code, detail, request_id: 'r1', ...more },
  };
}
