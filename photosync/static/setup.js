/* The page that builds a screen's bookmark: ES2017 at most, as the kiosk page. */
'use strict';

const element = id => document.getElementById(id);
const form = element('form'), preview = element('preview');
const STANDARD = { album: '', seconds: '15', fit: 'blur', transition: 'fade', caption: true, clock: false, date: false, client: '' };
const base = new URL('.', location).href;

function chosen() {
  const found = new URLSearchParams();
  for (const name of Object.keys(STANDARD)) {
    const field = form.elements[name], value = field.type === 'checkbox' ? field.checked : field.value.trim();
    if (value !== STANDARD[name] && field.checkValidity() && value !== '') found.set(name, value === true ? '1' : value || '0');
  }
  return found;
}

const address = found => base + ('?' + found).replace(/\?$/, '');

/** The preview has a deck of its own, so that it takes no photo from the screen's, and does not sleep. */
function update() {
  const found = chosen();
  element('night').hidden = !element('sleeps').checked;
  const seen = new URLSearchParams(found);
  seen.set('client', 'preview of ' + (found.get('client') || 'a screen'));
  if (preview.src !== address(seen)) preview.src = address(seen);
  const from = element('from').value, to = element('to').value;
  if (element('sleeps').checked && from && to && from !== to) found.set('sleep', from + '-' + to);
  element('address').value = element('open').href = address(found).replace(/%3A/g, ':');
}

function scale() {
  preview.style.transform = 'scale(' + element('stage').clientWidth / 1024 + ')';
}

function copy() {
  const done = () => { element('told').textContent = 'Copied.'; };
  element('address').select();
  if (navigator.clipboard) navigator.clipboard.writeText(element('address').value).then(done);
  else if (document.execCommand('copy')) done();
}

function listAlbums(stats) {
  element('albums').hidden = stats.albums.length < 2;
  for (const { name, photos } of stats.albums) form.elements.album.add(new Option(name + ' (' + photos + ')', name));
}

element('awake').textContent = navigator.wakeLock
  ? 'This browser keeps the screen on by itself while the photos are open.'
  : (isSecureContext ? 'This browser cannot keep the screen on.' : 'Browsers keep the screen on only on https or localhost.') +
    ' Turn off the display timeout of the device, or use a kiosk app.';
element('local').hidden = !/^(localhost|127\.|\[::1\])/.test(location.hostname);
form.onsubmit = () => false;
form.onchange = update;
element('copy').onclick = copy;
addEventListener('resize', scale);
element('first').textContent = base + '?token=…';
fetch('readyz', { method: 'HEAD', credentials: 'omit' }).then(answer => {
  element('token').hidden = !/photos-sync/.test(answer.headers.get('WWW-Authenticate'));
}, () => {});
fetch('cache/stats').then(answer => answer.json()).then(listAlbums).catch(() => {});
scale();
update();
