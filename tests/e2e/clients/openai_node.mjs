// The official SDK for Node: chat completions, images and responses, whole and streamed.
import { existsSync } from 'node:fs';
import OpenAI from 'openai';

const [url, key, step, what] = process.argv.slice(2);
const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0 });
const model = 'imagerag';
const owl = [{ role: 'user', content: 'an owl' }];
const chat = async (messages) => (await client.chat.completions.create({ model, messages })).choices[0].message.content;
const chatStream = async (messages) => {
  let text = '';
  for await (const chunk of await client.chat.completions.create({ model, messages, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? '';
  }
  return text;
};
const held = async () => {
  while (!existsSync(process.env.HELD)) await new Promise((resolve) => setTimeout(resolve, 50));
};

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
  const wrong = { role: 'user', content: what };
  const cat = { role: 'user', content: 'a cat' };
  for (const ask of [
    chat,
    chatStream,
    async (input) => (await client.responses.create({ model, input })).output_text,
    async (messages) => {
      await client.images.generate({ model, prompt: messages.at(-1).content });
      return 'satisfied';
    },
  ]) {
    try {
      told.push(await ask([wrong]));
    } catch (error) {
      told.push(error instanceof OpenAI.APIError ? error.message : '');
    }
    told.push(await ask([wrong, cat]));
  }
  console.log(JSON.stringify(told));
} else if (what === 'stream') {
  const stream = await client.chat.completions.create({ model, messages: owl, stream: true });
  for await (const _ of stream) {
    await held();
    break;
  }
  console.log(JSON.stringify(['left']));
} else {
  const controller = new AbortController();
  held().then(() => controller.abort());
  const options = { signal: controller.signal };
  const calls = {
    chat: () => client.chat.completions.create({ model, messages: owl }, options),
    responses: () => client.responses.create({ model, input: 'an owl' }, options),
    images: () => client.images.generate({ model, prompt: 'an owl' }, options),
  };
  try {
    await calls[what]();
  } catch (error) {
    console.log(JSON.stringify([error.message]));
  }
}
