import type { Options, Preset } from '@darkroom/client';

interface LookFieldsProps {
  options: Options;
  presets: Preset[];
  onChange: (options: Options) => void;
}

const WHITE = '#FFFFFF';
const FIRST_COLOUR = '#e8e8e8';

/** The preset, if the deployment has any. It decides what the form's checkboxes would. */
export function PresetField({ options, presets, onChange }: LookFieldsProps) {
  if (!presets.length) return null;
  const choose = (name: string) => {
    const { preset: _, remove_bg: __, crop_face: ___, ...rest } = options;
    onChange(name ? { ...rest, preset: name } : rest);
  };
  return (
    <label className="darkroom-field">
      <span>Preset</span>
      <select value={options.preset ?? ''} onChange={(event) => choose(event.target.value)}>
        <option value="">None</option>
        {presets.map(({ name, description }) => (
          <option key={name} value={name} title={description}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** None, white or a colour; a picture that the page's owner has set stays until another is chosen. */
export function BackgroundField({ options, onChange }: Omit<LookFieldsProps, 'presets'>) {
  const { background, ...rest } = options;
  const choice = choiceOf(background);
  const choose = (chosen: string) => {
    if (!chosen) onChange(rest);
    else onChange({ ...rest, background: chosen === 'colour' ? FIRST_COLOUR : chosen });
  };
  return (
    <label className="darkroom-field">
      <span>Background</span>
      <select
        value={choice}
        disabled={!options.preset && options.remove_bg === false}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="">{options.preset ? 'As in the preset' : 'None'}</option>
        <option value={WHITE}>White</option>
        <option value="colour">Colour</option>
        {choice === 'picture' && <option value="picture">Picture</option>}
      </select>
      {choice === 'colour' && (
        <input
          type="color"
          aria-label="Background colour"
          value={String(background).slice(0, 7)}
          onChange={(event) => onChange({ ...rest, background: event.target.value })}
        />
      )}
    </label>
  );
}

function choiceOf(background: Options['background']): string {
  if (!background) return '';
  if (typeof background !== 'string') return 'picture';
  return background.toUpperCase() === WHITE ? WHITE : 'colour';
}
