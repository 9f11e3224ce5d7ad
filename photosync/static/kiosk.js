/* The kiosk page: ES2017 at most, since old tablets run it. */
'use strict';

const DEADLINE = 60e3, LONGEST_WAIT = 30e3, PAUSE = 15 * 60e3, SIGN_AFTER = 2 * 60e3, RELOAD_AFTER = 10 * 60e3;
const MINUTE = 60e3, HISTORY = 100;
const AGAIN = 'It is tried again by itself.', AWAY = ['The photo server does not answer.', AGAIN];

const element = id => document.getElementById(id);
const body = document.body, first = document.querySelector('.slide');
const slides = [first, first.parentNode.appendChild(first.cloneNode(true))];
const now = () => performance.now();

/* Options, all in the address */

const ignored = [];
const query = new URLSearchParams(location.search);

function option(name, standard, rule, parse) {
  const text = query.get(name), value = text === null ? standard : parse(text.trim());
  if (value !== undefined) return value;
  ignored.push(name + '=' + text.slice(0, 40) + ' is left out: it has to be ' + rule);
  return standard;
}

const oneOf = (name, words) => option(name, words[0], words.join(' or '), text => words.find(word => word === text));
const onOff = (name, standard) => option(name, standard, '1 or 0', text =>
  ['1', 'on', ''].includes(text) ? true : ['0', 'off'].includes(text) ? false : undefined);

function span(text) {
  const found = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (!found) return text ? undefined : null;
  const from = found[1] * 60 + +found[2], to = found[3] * 60 + +found[4];
  return from === to ? undefined : { from, to };
}

const options = {
  seconds: option('seconds', 15, 'a number from 2 to 86400', text =>
    /^\d+(\.\d+)?$/.test(text) && +text >= 2 && +text <= 86400 ? +text : undefined),
  fit: oneOf('fit', ['blur', 'contain', 'cover']),
  transition: oneOf('transition', ['fade', 'cut']),
  clock: onOff('clock', false),
  date: onOff('date', false),
  caption: onOff('caption', true),
  sleep: option('sleep', null, 'like 22:00-06:30', span),
  client: query.get('client') || '',
  album: query.get('album') || ''
};

/* Requests */

let attempt = 0;

/** Does nothing any more once another attempt has begun. */
function timely(act) {
  const mine = attempt;
  return (...told) => { if (mine === attempt) act(...told); };
}

function get(address, done, failed) {
  const request = new XMLHttpRequest();
  request.open('GET', address);
  request.setRequestHeader('X-Requested-With', 'XMLHttpRequest');  // no login box over the photo
  request.timeout = DEADLINE;
  request.onload = () => {
    if (request.status === 200) done(request);
    else failed(explanation(request), +request.getResponseHeader('Retry-After') || 0);
  };
  request.onerror = request.ontimeout = () => failed(AWAY, 0);
  request.send();
}

const json = request => {
  try { return JSON.parse(request.responseText); } catch (error) { return null; }
};

function explanation(request) {
  const told = json(request) || {};
  return [String(told.error || AWAY[0]), String(told.next_step || AGAIN)];
}

/* One timer: for the next change or try, the deadline of what is under way, or the end of a pause */

let timer = 0, due = 0, busy = false, paused = false, sleeping = false;
const hasClock = options.clock || options.date;

function tick() {
  clearTimeout(timer);
  if (document.hidden) return;
  const date = new Date();
  tellTime(date);
  const bedtime = sleepsAt(date);
  if (bedtime !== sleeping) setSleeping(bedtime);
  if (!sleeping && now() >= due) onDue();
  const wait = sleeping ? MINUTE : due - now();
  wake(hasClock || options.sleep ? Math.min(wait, MINUTE - date.getTime() % MINUTE + 20) : wait);
}

function wake(milliseconds) {
  clearTimeout(timer);
  timer = setTimeout(tick, Math.max(milliseconds, 0));
}

function dueIn(milliseconds) {
  due = now() + milliseconds;
  wake(0);
}

function onDue() {
  if (busy) fail(AWAY, 0);
  else if (paused) setPaused(false);
  else move(1);
}

function sleepsAt(date) {
  if (!options.sleep) return false;
  const minute = date.getHours() * 60 + date.getMinutes(), { from, to } = options.sleep;
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function setSleeping(value) {
  sleeping = value;
  attempt++;
  busy = false;
  setPaused(false);
  body.classList.toggle('asleep', value);
  due = now();
  keepAwake();
}

/* Photos */

const past = [];
let place = -1, failures = 0, failingSince = 0, trouble = null, build = document.documentElement.dataset.build;
const startedAt = now();

/** Goes through what this screen has shown, and beyond its end to the next photo. */
function move(step) {
  if (sleeping || (step > 0 ? busy : place < 1)) return;
  attempt++;
  busy = true;
  due = now() + DEADLINE;
  const known = past[place + step];
  if (known) load(known, place + step);
  else if (build !== document.documentElement.dataset.build && now() - startedAt > RELOAD_AFTER) renew();
  else next();
}

function next() {
  let address = 'files?format=json';
  for (const name of ['client', 'album']) {
    if (options[name]) address += '&' + name + '=' + encodeURIComponent(options[name]);
  }
  get(address, timely(request => {
    const photo = json(request);
    if (!photo || typeof photo.url !== 'string') return fail(['The photo server sent no photo.', AGAIN], 0);
    build = request.getResponseHeader('Photosync-Page') || build;
    load(photo, past.length);
  }), timely(fail));
}

/** Loads the server's new page once it can be had; seldom, so that it cannot go in circles. */
function renew() {
  get('./', timely(request => {
    if (request.responseText.includes('data-build="' + build + '"')) location.reload();
    else next();
  }), timely(next));
}

function load(photo, where) {
  const slide = slides.find(slide => !slide.classList.contains('front')), img = slide.querySelector('img');
  const done = timely(() => show(slide, img, photo, where));
  const failed = timely(() => {
    if (where < past.length) {
      past.splice(where, 1);
      if (where < place) place--;
    }
    fail(['The photo ' + photo.filename + ' cannot be shown.', 'The next one is tried.'], 0);
  });
  img.onload = img.decode ? null : done;
  img.onerror = img.decode ? null : failed;
  img.src = photo.url.slice(photo.url.lastIndexOf('/files/') + 1);  // relative, wherever the page lies
  if (img.decode) img.decode().then(done, failed);
}

function show(slide, img, photo, where) {
  busy = false;
  failures = failingSince = 0;
  trouble = null;
  if (where === past.length) past.push(photo);
  if (past.length > HISTORY) past.shift();
  place = Math.min(where, past.length - 1);
  fit(slide, img);
  describe(slide, img, photo);
  slides.forEach(one => one.classList.toggle('front', one === slide));
  element('message').hidden = element('sign').hidden = true;
  tellFacts();
  dueIn(paused ? PAUSE : options.seconds * 1000);
}

function fail(words, wait) {
  attempt++;
  busy = false;
  trouble = words;
  failingSince = failingSince || now();
  if (place < 0) {
    element('problem').textContent = words[0];
    element('step').textContent = words[1];
  }
  element('sign').hidden = place < 0 || now() - failingSince < SIGN_AFTER;
  const own = Math.min(LONGEST_WAIT, 1000 * 2 ** failures++) * (0.5 + Math.random() / 2);
  tellFacts();
  dueIn(paused ? PAUSE : Math.max(own, Math.min(wait * 1000, LONGEST_WAIT)));
}

/** Slim bars look like a mistake: there the photo is cropped a little. */
function fit(slide, img) {
  const ratio = img.naturalWidth / img.naturalHeight * innerHeight / innerWidth;
  const isSoft = options.fit === 'blur' && !(Math.abs(ratio - 1) < 0.03);
  slide.classList.toggle('whole', options.fit !== 'contain' && !isSoft);
  slide.classList.toggle('filled', isSoft);
  if (isSoft) soften(slide.querySelector('canvas'), img);
}

/** Halved and doubled until it is soft: a filter would cost a small graphics chip dear in every frame. */
function soften(canvas, img) {
  const pen = canvas.getContext('2d');
  pen.imageSmoothingQuality = 'medium';
  pen.drawImage(img, 0, 0, 128, 128);
  for (let side = 128; side > 8; side /= 2) pen.drawImage(canvas, 0, 0, side, side, 0, 0, side / 2, side / 2);
  // Without the outermost half pixel: smoothing mixes in what is beyond.
  for (let side = 8; side < 128; side *= 2) pen.drawImage(canvas, 0.5, 0.5, side - 1, side - 1, 0, 0, side * 2, side * 2);
  pen.fillStyle = 'rgba(0, 0, 0, .4)';
  pen.fillRect(0, 0, 128, 128);
}

/* Words */

const language = navigator.language;

function day(taken, format) {
  const part = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)/.exec(taken || '');
  return part ? new Date(part[1], part[2] - 1, part[3], part[4], part[5]).toLocaleString(language, format) : '';
}

function describe(slide, img, photo) {
  const taken = day(photo.taken, { day: 'numeric', month: 'long', year: 'numeric' });
  const details = [taken, photo.place].filter(Boolean).join(' · ');
  img.alt = [photo.description, details].filter(Boolean).join('. ') || photo.filename;
  slide.querySelector('.description').textContent = options.caption && photo.description || '';
  slide.querySelector('.details').textContent = options.caption ? details : '';
  slide.querySelector('figcaption').classList.toggle('used', hasClock || options.caption && img.alt !== photo.filename);
}

function tellTime(date) {
  if (options.clock) put('clock', date.toLocaleTimeString(language, { hour: 'numeric', minute: '2-digit' }));
  if (options.date) put('date', date.toLocaleDateString(language, { weekday: 'long', day: 'numeric', month: 'long' }));
}

function put(id, text) {
  if (element(id).textContent !== text) element(id).textContent = text;
}

/* The information panel */

let server = '';

function tellFacts() {
  if (element('panel').hidden) return;
  const photo = past[place] || {}, back = past.length - 1 - place;
  const facts = [
    ['Photo', photo.filename],
    ['Taken', day(photo.taken, { dateStyle: 'long', timeStyle: 'short' })],
    ['Place', photo.place],
    ['Description', photo.description],
    ['Album', photo.album],
    ['Why this one', place < 0 ? '' : back ? 'Shown before, ' + back + ' back.' : 'The next of this screen\'s deck.'],
    ['Screen', options.client],
    ['Trouble', trouble && trouble.join(' ') + ' No new photo since ' + new Date(Date.now() + failingSince - now()).toLocaleTimeString(language) + '.'],
    ['Server', server],
    ['This screen', awake],
    ['Options', ignored.join('. ')]
  ];
  const list = element('facts');
  list.textContent = '';
  for (const [name, text] of facts) {
    if (!text) continue;
    list.appendChild(document.createElement('dt')).textContent = name;
    const value = list.appendChild(document.createElement('dd'));
    value.dir = 'auto';
    value.textContent = text;
  }
}

function askServer() {
  const told = text => { server = text; tellFacts(); };
  get('cache/stats', request => {
    const stats = json(request) || {}, state = stats.status === 'ok' ? 'all is well.' : stats.status + '. ';
    told(stats.photos + ' photos, ' + state + (stats.last_error || ''));
  }, words => told(words.join(' ')));
}

function setReading(value) {
  if (value && sleeping) return;
  element('panel').hidden = !value;
  element('info').setAttribute('aria-expanded', value);
  body.classList.toggle('reading', value);
  if (!value) return element('panel').contains(document.activeElement) && element('info').focus();
  setPaused(true);
  tellFacts();
  askServer();
  element('panel').focus();
}

/** A pause ends by itself: a cloth on the glass must not stop the frame for ever. */
function setPaused(value) {
  if (value === paused || value && (sleeping || place < 0)) return;
  paused = value;
  body.classList.toggle('paused', value);
  element('pause').setAttribute('aria-label', value ? 'Go on' : 'Pause');
  if (!value) {
    setReading(false);
    if (document.activeElement !== body) document.activeElement.blur();
  }
  if (!busy) dueIn(value ? PAUSE : options.seconds * 1000);
}

/* The screen is kept on where the browser lets us */

let lock = null, awake = '';

function keepAwake() {
  if (!navigator.wakeLock) {
    awake = 'It may switch itself off' + (isSecureContext ? '.' : ': only on https or localhost can it be kept on.');
  } else if (sleeping && lock) lock.release();
  else if (!sleeping && !document.hidden && (!lock || lock.released)) {
    navigator.wakeLock.request('screen').then(held, () => { awake = 'It may switch itself off.'; });
  }
}

function held(sentinel) {
  lock = sentinel;
  awake = 'It is kept on.';
  if (sleeping) lock.release();
}

/* Keys, taps and swipes */

function fullScreen() {
  const root = document.documentElement, start = root.requestFullscreen || root.webkitRequestFullscreen;
  if (document.fullscreenElement) document.exitFullscreen();
  else if (start) start.call(root);
}

const commands = {
  ' ': () => setPaused(!paused),
  ArrowLeft: () => move(-1),
  ArrowRight: () => move(1),
  i: () => setReading(element('panel').hidden),
  f: fullScreen,
  Escape: () => setReading(false)
};

document.addEventListener('keydown', event => {
  const isPress = event.key === ' ' && /^(BUTTON|A)$/.test(event.target.tagName);
  if (isPress || event.ctrlKey || event.altKey || event.metaKey || !commands.hasOwnProperty(event.key)) return;
  event.preventDefault();
  commands[event.key]();
});

element('back').onclick = commands.ArrowLeft;
element('forward').onclick = commands.ArrowRight;
element('pause').onclick = commands[' '];
element('info').onclick = element('close').onclick = commands.i;
element('full').onclick = fullScreen;
const main = first.parentNode;
main.onclick = () => place < 0 || !element('panel').hidden ? commands.i() : setPaused(!paused);

let touch = null;
document.addEventListener('touchstart', event => {
  touch = event.touches.length === 1 && !element('panel').contains(event.target) ? event.touches[0] : null;
}, { passive: true });
document.addEventListener('touchend', event => {
  if (!touch) return;
  const end = event.changedTouches[0], x = end.clientX - touch.clientX, y = end.clientY - touch.clientY;
  touch = null;
  if (Math.abs(x) > 50 && Math.abs(x) > 2 * Math.abs(y)) move(x < 0 ? 1 : -1);
  else if (Math.abs(x) + Math.abs(y) < 10 && main.contains(event.target)) {
    event.preventDefault();  // the click, which would come late or never
    main.onclick();
  }
});

document.addEventListener('visibilitychange', () => { keepAwake(); tick(); });
addEventListener('resize', () => {
  const slide = document.querySelector('.slide.front');
  if (slide) fit(slide, slide.querySelector('img'));
});

body.classList.toggle('cut', options.transition === 'cut');
body.classList.toggle('timed', hasClock);
body.classList.toggle('dated', options.clock && options.date);
element('now').hidden = !hasClock;
keepAwake();
tick();
