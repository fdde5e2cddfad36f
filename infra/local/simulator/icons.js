// Drawings of the page: line icons, and the stickers' faces. All made here.

const SVG = 'http://www.w3.org/2000/svg';

const PATHS = {
  check: 'M5 12.5l4.5 4.5L19 7.5',
  chevron: 'M6 9.500l6 6 6-6',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5.5l3.5 2',
  close: 'M6 6l12 12M18 6L6 18',
  consent: 'M12 3l8 3v6c0 5-3.5 8-8 9-4.5-1-8-4-8-9V6zM8.5 12l2.5 2.5 4.5-5',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  event: 'M5 4l6 15.5 2.5-6.5 6.5-2.500z',
  gear: 'M12 8.500a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 2.500v3M12 18.500v3M2.5 12h3M18.5 12h3M5.3 5.300l2.1 2.100M16.6 16.600l2.1 2.100M18.7 5.300l-2.1 2.100M7.4 16.600l-2.1 2.1',
  hold: 'M5 11h14v10H5zM8 11V8a4 4 0 0 1 8 0v3',
  image: 'M4 5h16v14H4zM4 16l5-5 4 4 2-2 5 4M15.5 9h.01',
  key: 'M8 11a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM11.2 12.300L20 3.500M16.5 7l3 3',
  mapping: 'M9 15l6-6M10.5 6.500l1.8-1.800a4.3 4.3 0 0 1 6 6L16.5 12.500M13.5 17.500l-1.8 1.800a4.3 4.3 0 0 1-6-6L7.5 11.5',
  message: 'M4 5h16v11.500H9.500L4 20.500z',
  open: 'M5 11h14v10H5zM8 11V7.500a4 4 0 0 1 7.7-1.5',
  link: 'M10 14.500a4 4 0 0 1 0-5.500l3-3a4 4 0 0 1 5.5 5.500l-1.500 1.500M14 9.500a4 4 0 0 1 0 5.500l-3 3a4 4 0 0 1-5.5-5.500l1.500-1.500',
  order: 'M6 4.500h12V21H6zM9.5 3h5v3h-5zM9.5 11h5M9.5 15h5',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4 21c.8-4.5 3.8-6.5 8-6.500s7.2 2 8 6.5',
  phone: 'M7 2.500h10v19H7zM11 18.500h2',
  pin: 'M12 21.500c4.5-5 7-8.3 7-11.500a7 7 0 0 0-14 0c0 3.2 2.5 6.5 7 11.500zM12 7.500a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  plus: 'M12 5v14M5 12h14',
  records: 'M6 3h9l4 4v14H6zM9.5 12h6M9.5 16h6M9.5 8h2',
  send: 'M4 11.500L20.5 4 14 20.500l-3-6.500z',
  smile: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 14c1 2 2.5 3 4 3s3-1 4-3M9 9.500h.01M15 9.500h.01',
  state: 'M6 17v-6a6 6 0 0 1 12 0v6l1.5 2h-15zM10 21.500h4',
  subject: 'M3 5.500h18v13H3zM9 9a2 2 0 1 0 0 4 2 2 0 0 0 0-4zM6 16c.5-1.3 1.5-2 3-2s2.5.7 3 2M15 10h3M15 14h3',
  submission: 'M6 3h9l4 4v14H6zM14.5 3v4.500H19M9 12.500h6M9 16.500h6',
  tombstone: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM5.7 5.700l12.6 12.6',
  vault: 'M3.5 4h17v15h-17zM6 19v2M18 19v2M12 8a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM12 8v1.500M12 13.500V15',
  warning: 'M12 4l9 16H3zM12 10v4.500M12 17.300h.01',
};

const KIND_ICONS = { profile: 'person', contact: 'subject', erased: 'tombstone', link: 'link', claim: 'warning', member: 'link' };

function svg(size, ...parts) {
  const root = document.createElementNS(SVG, 'svg');
  root.setAttribute('viewBox', `0 0 ${size} ${size}`);
  root.setAttribute('aria-hidden', 'true');
  root.setAttribute('focusable', 'false');
  for (const [tag, attributes] of parts) {
    const part = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) part.setAttribute(name, value);
    root.append(part);
  }
  return root;
}

/** A line icon in the colour of the text around it. */
export function icon(name) {
  const drawing = svg(24, ['path', { d: PATHS[name] ?? PATHS.records }]);
  drawing.classList.add('icon', `icon-${name}`);
  return drawing;
}

/** The icon of a kind of row. */
export function kindIcon(kind) {
  return icon(KIND_ICONS[kind] ?? kind);
}

const FACES = {
  thanks: { skin: '#f6c453', eyes: 'M33 46q5-6 10 0M57 46q5-6 10 0', mouth: 'M40 60q10 9 20 0' },
  ok: { skin: '#8fce8a', eyes: 'M38 44v4M62 44v4', mouth: 'M38 58q12 12 24 0', extra: 'M76 22l6 7 11-14' },
  please: { skin: '#f3a7a0', eyes: 'M38 45v3M62 45v3', mouth: 'M46 57q4 3 8 0', extra: 'M88 12v12M82 18h12M10 82v8M6 86h8' },
  happy: { skin: '#f9b45c', eyes: 'M33 47l5-5 5 5M57 47l5-5 5 5', mouth: 'M37 57h26q-3 14-13 14t-13-14z' },
  sorry: { skin: '#9dbbe0', eyes: 'M34 44l8 4M66 44l-8 4', mouth: 'M41 64q9-7 18 0', extra: 'M72 48q6 9 0 12-6-3 0-12z' },
  'good night': { skin: '#b4a7dc', eyes: 'M33 46q5 5 10 0M57 46q5 5 10 0', mouth: 'M46 61q4 4 8 0', extra: 'M74 14h12l-12 14h12' },
};

/** The stickers that the phone offers, by LINE's kind of keyword. */
export const STICKERS = Object.keys(FACES);

/** The face of a sticker. */
export function stickerFace(keyword) {
  const face = FACES[keyword] ?? FACES.happy;
  const line = { fill: 'none', stroke: '#3a2c22', 'stroke-width': 4, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  const parts = [
    ['circle', { cx: 50, cy: 52, r: 38, fill: face.skin, stroke: '#fff', 'stroke-width': 5 }],
    ['circle', { cx: 29, cy: 58, r: 5, fill: '#fff', opacity: 0.45 }],
    ['circle', { cx: 71, cy: 58, r: 5, fill: '#fff', opacity: 0.45 }],
    ['path', { ...line, d: face.eyes }],
    ['path', { ...line, d: face.mouth }],
  ];
  if (face.extra) parts.push(['path', { ...line, d: face.extra }]);
  return svg(100, ...parts);
}

/** A picture in place of a photo: hills under a sun. */
export function samplePhoto() {
  return svg(
    100,
    ['rect', { width: 100, height: 100, fill: '#cfe3f1' }],
    ['circle', { cx: 72, cy: 28, r: 11, fill: '#f7d774' }],
    ['path', { d: 'M0 74q22-30 44-8t56-14v48H0z', fill: '#8fb996' }],
    ['path', { d: 'M0 86q30-20 60-6t40-8v28H0z', fill: '#5f8f70' }],
  );
}
