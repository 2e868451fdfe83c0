import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import PhotoProcessor from '@darkroom/react';

// An example may ask for the key in its own address (`#key=…`, which no server sees). An app for
// the public creates jobs through its own back end instead: see `createJob` in the README.
const settings = new URLSearchParams(window.location.hash.slice(1));

createRoot(document.getElementById('app')).render(
  <StrictMode>
    <PhotoProcessor
      apiUrl={settings.get('api') ?? undefined}
      websocketUrl={settings.get('ws') ?? undefined}
      apiKey={settings.get('key') ?? import.meta.env.VITE_DARKROOM_API_KEY}
      onSettled={(job) => console.info('Settled', job.summary)}
    />
  </StrictMode>,
);
