import { readFileSync } from 'node:fs';
import { StrictMode, version } from 'react';
import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KEY, problem, Service } from '../../client/test/service.ts';
import { PhotoProcessor } from '../src/index.ts';
import type { PhotoProcessorProps } from '../src/index.ts';
import { objectUrls } from './setup.ts';

let service: Service;
beforeEach(async () => void (service = await Service.start()));
afterEach(async () => {
  vi.unstubAllEnvs();
  await service.stop();
});

const photo = (name: string, type = 'image/jpeg', size = 5) => {
  const file = new File(['x'.repeat(Math.min(size, 5))], name, { type, lastModified: 1 });
  if (size !== file.size) Object.defineProperty(file, 'size', { value: size });
  return file;
};

function open(props: PhotoProcessorProps = {}) {
  return render(
    <StrictMode>
      <PhotoProcessor apiUrl={service.url} apiKey={KEY} {...props} />
    </StrictMode>,
  );
}

async function choose(...files: File[]) {
  const input = screen.getByLabelText('Photos and ZIPs to process');
  await act(async () => void fireEvent.change(input, { target: { files } }));
  await waitFor(() => expect(screen.queryByText('Choose photos')).toBeNull());
}

const click = (name: string | RegExp) => fireEvent.click(screen.getByRole('button', { name }));
const names = () =>
  [...document.querySelectorAll('.darkroom-grid .darkroom-name')].map(
    ({ textContent }) => textContent,
  );
const title = () => document.querySelector('.darkroom-title')?.textContent ?? '';
const sentOptions = () =>
  JSON.parse(service.calls.find(({ route }) => route === 'POST /jobs')!.body).options;

it('runs on the React that is asked for', () => {
  expect(version.split('.')[0]).toBe(process.env.REACT ?? '19');
});

describe('choosing', () => {
  it('lists files with names and sizes, once each, and lets them go', async () => {
    open();
    await choose(
      photo('cat.jpg'),
      photo('dog.png', 'image/png', 2_600_000),
      photo('album.zip', 'application/zip'),
    );
    await choose(photo('dog.png', 'image/png', 2_600_000));
    expect(names()).toEqual(['cat.jpg', 'dog.png', 'album.zip']);
    const tile = screen.getByTitle('dog.png').closest('li')!;
    expect(within(tile).getByText('2.6 MB')).toBeTruthy();
    expect(screen.getByText('ZIP')).toBeTruthy();
    expect(objectUrls.size).toBe(2);
    click('Remove dog.png');
    expect(names()).toEqual(['cat.jpg', 'album.zip']);
    expect(objectUrls.size).toBe(1);
    click('Remove all');
    expect(screen.getByText('Choose photos')).toBeTruthy();
    expect(objectUrls.size).toBe(0);
  });

  it('takes files that are dropped', async () => {
    open();
    const files = [photo('cat.jpg')];
    const dataTransfer = {
      files,
      types: ['Files'],
      items: files.map((file) => ({ kind: 'file', type: file.type, getAsFile: () => file })),
    };
    await act(
      async () => void fireEvent.drop(document.querySelector('.darkroom')!, { dataTransfer }),
    );
    await waitFor(() => expect(names()).toEqual(['cat.jpg']));
  });

  it('says before anything is sent what will be skipped, and why', async () => {
    open({ maxPhotoBytes: 50_000_000 });
    await choose(
      photo('large.tif', 'image/tiff', 126_000_000),
      photo('film.mp4', 'video/mp4'),
      photo('notes.txt', 'text/plain'),
      photo('empty.jpg', 'image/jpeg', 0),
      photo('good.heic', ''),
    );
    expect(screen.getByText(/126.MB, the limit is 50.MB: will be skipped/)).toBeTruthy();
    expect(screen.getByText('A video: will be skipped')).toBeTruthy();
    expect(screen.getByText('Not a photo or a ZIP: will be skipped')).toBeTruthy();
    expect(screen.getByText('Empty: will be skipped')).toBeTruthy();
    // The browser may know the type and still be unable to show it.
    for (const image of document.querySelectorAll('img')) fireEvent.error(image);
    expect(screen.getByText('HEIC')).toBeTruthy();
    click('Cut out 1 photo');
    await waitFor(() => expect(service.names).toEqual(['good.heic']));
  });

  it('keeps to the most files and says how many were left out', async () => {
    open({ maxFiles: 2 });
    await choose(photo('a.jpg'), photo('b.jpg'), photo('c.jpg'));
    expect(names()).toEqual(['a.jpg', 'b.jpg']);
    expect(screen.getByRole('alert').textContent).toContain('One file was left out');
  });

  it('sends the options that are chosen, and those without a control', async () => {
    open({ options: { format: 'webp' } });
    await choose(photo('cat.jpg'));
    const select = screen.getByLabelText<HTMLSelectElement>('Model');
    await waitFor(() =>
      expect([...select.options].map(({ value }) => value)).toEqual(['small', 'large']),
    );
    fireEvent.change(select, { target: { value: 'large' } });
    fireEvent.click(screen.getByLabelText('Crop to the face'));
    click('Cut out and crop 1 photo');
    await waitFor(() => expect(service.names).toHaveLength(1));
    expect(sentOptions()).toEqual({ format: 'webp', crop_face: true, model: 'large' });
  });

  it('lets a preset decide, and a background be chosen beside it', async () => {
    open({ options: { crop_face: true } });
    await choose(photo('cat.jpg'));
    const preset = await screen.findByLabelText<HTMLSelectElement>('Preset');
    expect(screen.queryByLabelText('Background colour')).toBeNull();
    fireEvent.change(preset, { target: { value: 'amazon' } });
    expect(screen.getByLabelText<HTMLInputElement>('Crop to the face').disabled).toBe(true);
    const background = screen.getByLabelText<HTMLSelectElement>('Background');
    expect(background.selectedOptions[0]?.textContent).toBe('As in the preset');
    fireEvent.change(background, { target: { value: 'colour' } });
    const colour = screen.getByLabelText('Background colour');
    fireEvent.change(colour, { target: { value: '#123456' } });
    click('Cut out 1 photo');
    await waitFor(() => expect(service.routes('POST /jobs')).toBe(1));
    expect(sentOptions()).toEqual({ preset: 'amazon', background: '#123456', model: 'small' });
  });

  it('keeps a picture that is set as the background, and offers white', async () => {
    open({ options: { background: { blur: 50 } } });
    await choose(photo('cat.jpg'));
    const background = screen.getByLabelText<HTMLSelectElement>('Background');
    expect(background.value).toBe('picture');
    fireEvent.change(background, { target: { value: '#FFFFFF' } });
    expect(background.value).toBe('#FFFFFF');
    fireEvent.click(screen.getByLabelText('Remove the background'));
    expect(background.disabled).toBe(true);
  });

  it('offers no preset where the service has none', async () => {
    const missing = problem(404, 'unknown_route', 'There is nothing at this address.');
    service.next.set('GET /presets', [missing, missing]); // strict mode may ask twice
    open();
    await choose(photo('cat.jpg'));
    await waitFor(() => expect(service.routes('GET /presets')).toBeGreaterThan(0));
    expect(screen.queryByLabelText('Preset')).toBeNull();
  });

  it('needs no model where the background stays', async () => {
    open();
    await choose(photo('cat.jpg'));
    fireEvent.click(screen.getByLabelText('Remove the background'));
    expect(screen.getByLabelText<HTMLSelectElement>('Model').disabled).toBe(true);
    expect(screen.getByRole('button', { name: 'Convert 1 photo' })).toBeTruthy();
  });
});

describe('a job', () => {
  it('goes from files to results', async () => {
    const onSettled = vi.fn();
    const onJobCreate = vi.fn();
    open({ onSettled, onJobCreate });
    await choose(photo('a.jpg'), photo('b.jpg'), photo('c.jpg'));
    click('Cut out 3 photos');
    await waitFor(() => expect(title()).toBe('3 ready'));
    await waitFor(() => expect(screen.getAllByRole('img')).toHaveLength(3));
    expect(screen.getByRole('img', { name: 'Result of b.jpg' }).getAttribute('src')).toBe(
      `${service.url}/result/1.png`,
    );
    expect(service.uploads).toHaveLength(3);
    expect(screen.getByRole('button', { name: /Download ZIP, 1.4.MB/ })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Download first' })).toBeTruthy();
    expect(onJobCreate).toHaveBeenCalledTimes(1);
    expect(onSettled).toHaveBeenCalledTimes(1);
    expect(onSettled.mock.calls[0]![0]).toMatchObject({ summary: { succeeded: 3 } });
    expect(objectUrls.size).toBe(0);
  });

  it('shows X of Y, the percentage and what failed while it runs', async () => {
    service.frozen = true;
    open();
    await choose(photo('a.jpg'), photo('b.jpg'));
    click('Cut out 2 photos');
    await waitFor(() => expect(service.connections.size).toBe(1));
    await waitFor(() => expect(service.uploads).toHaveLength(2));
    service.move({
      status: 'processing',
      progress: { processed: 1312, total: 1998, percentage: 65.7 },
      summary: { succeeded: 1310, failed: 2, skipped: 0 },
    });
    await waitFor(() => expect(title()).toBe('1,312 of 1,998 · 65 % · 2 failed'));
    const progress = screen.getByRole('progressbar');
    expect(progress.getAttribute('aria-valuenow')).toBe('65');
    expect(progress.getAttribute('aria-valuetext')).toBe('1,312 of 1,998, 65 %');
    expect(screen.getByText('All sent. Photos appear here as they are ready.')).toBeTruthy();
  });

  it('names what failed and what was skipped, and retries what failed', async () => {
    open();
    await choose(photo('a.jpg'), photo('broken.jpg'), photo('notes.jpg'));
    click('Cut out 3 photos');
    await waitFor(() => expect(title()).toBe('1 ready · 1 needs attention'));
    const list = await screen.findByLabelText('Not processed');
    await waitFor(() => expect(within(list).getByText('broken.jpg')).toBeTruthy());
    expect(within(list).getByText('The file is no photo.')).toBeTruthy();
    expect(within(list).getByText('1 file skipped')).toBeTruthy();
    expect(within(list).getByText('notes.jpg')).toBeTruthy();
    expect(document.body.textContent).not.toContain('Done');
    click('Retry it');
    await waitFor(() => expect(title()).toBe('2 ready'));
  });

  it('shows many results a page at a time', async () => {
    open({ pageSize: 10 });
    await choose(...Array.from({ length: 60 }, (_, index) => photo(`${index}.jpg`)));
    click('Cut out 60 photos');
    await waitFor(() => expect(title()).toBe('60 ready'));
    await waitFor(() => expect(screen.getAllByRole('img')).toHaveLength(10));
    click('Show 10 more of 50');
    await waitFor(() => expect(screen.getAllByRole('img')).toHaveLength(20));
  });

  it('can be cancelled', async () => {
    service.frozen = true;
    open();
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await waitFor(() => expect(service.uploads).toHaveLength(1));
    click('Cancel');
    await waitFor(() => expect(title()).toBe('Stopped'));
    click('New photos');
    expect(screen.getByText('Choose photos')).toBeTruthy();
  });

  it('says that nothing is heard, and goes on', async () => {
    service.frozen = true;
    open({ stalledAfter: 0.3 });
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText(/Nothing heard for .* Still trying\./);
    click('Keep waiting');
    await waitFor(() => expect(screen.queryByText(/Nothing heard/)).toBeNull());
    service.finish();
    await waitFor(() => expect(title()).toBe('1 ready'));
    expect(screen.queryByText(/Nothing heard/)).toBeNull();
  });

  it('stops all it does when it is taken away', async () => {
    service.frozen = true;
    const { unmount } = open();
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await waitFor(() => expect(service.connections.size).toBe(1));
    unmount();
    await waitFor(() => expect(service.connections.size).toBe(0));
    expect(objectUrls.size).toBe(0);
  });
});

describe('errors', () => {
  it('keeps the files when the key is not accepted', async () => {
    const onError = vi.fn();
    open({ apiKey: 'wrong', onError });
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText('This key is not accepted.');
    expect(names()).toEqual(['a.jpg']);
    expect(onError.mock.calls[0]![0]).toMatchObject({ name: 'RefusedError', code: 'wrong_key' });
  });

  it("shows the service's own sentence and what a developer's function throws", async () => {
    service.next.set('POST /jobs', [problem(422, 'file_too_large', 'a.jpg is too large.')]);
    open();
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText('a.jpg is too large.');
    document.body.innerHTML = '';
    open({ createJob: () => Promise.reject(new Error('Sign in first.')) });
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText('Sign in first.');
  });

  it('lets a file that could not be sent be sent again', async () => {
    service.next.set('POST /store', [
      { status: 403, body: '<Error><Message>Not this one.</Message></Error>' },
    ]);
    open();
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText('a.jpg was refused: Not this one.');
    click('Send again');
    await waitFor(() => expect(title()).toBe('1 ready'));
  });

  it('starts again where the permission to send has expired', async () => {
    const expired =
      '<Error><Message>Invalid according to Policy: Policy expired.</Message></Error>';
    service.next.set('POST /store', [{ status: 403, body: expired }]);
    open();
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await screen.findByText('The permission to send a.jpg has expired. Start again.');
    click('Start again');
    expect(names()).toEqual(['a.jpg']);
  });

  it('says so where no service is configured', () => {
    vi.stubEnv('VITE_DARKROOM_API_URL', '');
    render(<PhotoProcessor />);
    expect(screen.getByRole('alert').textContent).toContain('No service is configured.');
  });
});

describe('configuration', () => {
  const calls = () => waitFor(() => expect(service.routes('GET /models')).toBeGreaterThan(0));

  it('takes VITE_DARKROOM_API_URL', async () => {
    vi.stubEnv('VITE_DARKROOM_API_URL', service.url);
    render(<PhotoProcessor />);
    await calls();
  });

  it('takes REACT_APP_API_URL and REACT_APP_WS_URL, spelt out for textual replacement', async () => {
    vi.stubEnv('REACT_APP_API_URL', service.url);
    render(<PhotoProcessor />);
    await calls();
    const file = readFileSync('PhotoProcessor.jsx', 'utf8');
    for (const expression of [
      'import.meta.env?.VITE_DARKROOM_API_URL',
      'process.env.REACT_APP_API_URL',
      'process.env.REACT_APP_WS_URL',
    ]) {
      expect(file).toContain(expression);
    }
  });

  it('takes the prop before the environment', async () => {
    vi.stubEnv('VITE_DARKROOM_API_URL', 'http://127.0.0.1:9');
    open();
    await calls();
  });

  it('takes a WebSocket URL in the place of the one the service names', async () => {
    open({ websocketUrl: 'ws://127.0.0.1:9' });
    await choose(photo('a.jpg'));
    click('Cut out 1 photo');
    await waitFor(() => expect(title()).toBe('1 ready'), { timeout: 8000 });
    expect(service.routes('GET /jobs/job1')).toBeGreaterThan(0);
  });
});
