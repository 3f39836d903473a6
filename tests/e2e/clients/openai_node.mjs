// The official SDK for Node: chat completions, images and responses.
import OpenAI from 'openai';

const [url, key, step] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const model = 'imagerag';
const owl = [{ role: 'user', content: 'an owl' }];
const chat = async (messages) => (await client.chat.completions.create({ model, messages })).choices[0].message.content;

if (step === 'draw') {
  const image = (await client.images.generate({ model, prompt: 'an owl', response_format: 'b64_json' })).data[0];
  const response = await client.responses.create({ model, input: 'an owl' });
  const drawn = response.output.some((item) => item.type === 'image_generation_call' && item.result);
  console.log(JSON.stringify([await chat(owl), image.b64_json && drawn ? response.output_text : '']));
} else if (step === 'redraw') {
  const said = await chat(owl);
  const red = { role: 'user', content: 'make it red' };
  const first = await client.responses.create({ model, input: 'an owl' });
  const second = await client.responses.create({ model, input: 'make it red', previous_response_id: first.id });
  console.log(JSON.stringify([await chat([...owl, { role: 'assistant', content: said }, red]), second.output_text]));
} else if (step === 'error') {
  const told = [];
  for (const call of [
    () => chat([{ role: 'user', content: ' ' }]),
    () => client.responses.create({ model, input: ' ' }),
  ]) {
    try {
      await call();
    } catch (error) {
      told.push(error instanceof OpenAI.BadRequestError ? error.message : '');
    }
  }
  console.log(JSON.stringify(told));
} else {
  try {
    await client.responses.create({ model, input: 'an owl' }, { signal: AbortSignal.timeout(3000) });
  } catch (error) {
    console.log(JSON.stringify([error.message]));
  }
}
