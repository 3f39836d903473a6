// Shows one pair after the other; the server knows which were answered, so that a reload goes on where it was.

const KEYS = { ArrowLeft: 'left', ArrowRight: 'right', ArrowDown: 'same' };
const by = (id) => document.getElementById(id);
const buttons = ['choose-left', 'choose-right', 'choose-same', 'back'].map(by);
let shown = null;
let busy = true;

function setBusy(value) {
  busy = value;
  for (const button of buttons) button.disabled = value;
  by('back').disabled = value || !shown?.can_go_back;
}

async function ask(path, body) {
  setBusy(true);
  by('problem').textContent = '';
  try {
    const answer = await fetch(path, body === undefined ? {} : {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error.message);
    await show(said);
  } catch (error) {
    by('problem').textContent = `That did not work (${error.message}); is imagerag eval label still running?`;
    setBusy(false);
  }
}

async function show(state) {
  shown = state;
  const { pair, answered, total } = state;
  by('count').textContent = `${answered} of ${total} labelled`;
  by('pair').hidden = !pair;
  by('others').hidden = !pair && !state.can_go_back;
  by('choose-same').hidden = !pair;
  by('prompt').textContent = pair ? pair.prompt : 'All pairs are labelled. Ctrl-C in the terminal ends, and prints what they add up to.';
  if (pair) {
    by('left').src = `images/${pair.id}/left`;
    by('right').src = `images/${pair.id}/right`;
    await Promise.all([by('left').decode(), by('right').decode()]);
  }
  setBusy(false);
}

function choose(choice) {
  if (!busy && shown?.pair) ask('labels', { id: shown.pair.id, choice });
}

function goBack() {
  if (!busy && shown?.can_go_back) ask('back', {});
}

by('choose-left').addEventListener('click', () => choose('left'));
by('choose-right').addEventListener('click', () => choose('right'));
by('choose-same').addEventListener('click', () => choose('same'));
by('back').addEventListener('click', goBack);
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key in KEYS) {
    event.preventDefault();
    choose(KEYS[event.key]);
  } else if (event.key === 'Backspace') {
    event.preventDefault();
    goBack();
  }
});
ask('pair');
