// Messages through Anthropic's own SDK: plain, streamed, tools, structured output, a picture.
import Anthropic from "@anthropic-ai/sdk";
import { picture, schema, tell } from "./talk.mjs";

const [url, key, model] = process.argv.slice(2);
const client = new Anthropic({ apiKey: key, baseURL: url, maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const tools = [{ name: "weather", input_schema: schema }];
const limit = { model, max_tokens: 100 };
const textIn = (message) => message.content.find((block) => block.type === "text")?.text;
const inputsIn = (message) => message.content.filter((block) => block.type === "tool_use").map((block) => block.input);
const told = {};

const { data: plain, response } = await client.messages.create({ ...limit, messages }).withResponse();
told.plain = textIn(plain);
told.usage = plain.usage.output_tokens > 0;
told.entry = response.headers.get("x-llm-id");

told.streamed = "";
for await (const event of await client.messages.create({ ...limit, messages, stream: true })) {
  if (event.type === "content_block_delta") told.streamed += event.delta.text ?? "";
  if (event.type === "message_delta") told.streamed_usage = event.usage.output_tokens > 0;
}

const first = await client.messages.create({ ...limit, messages, tools });
told.called = inputsIn(first);
const results = first.content
  .filter((block) => block.type === "tool_use")
  .map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "sunny" }));
const turns = [...messages, { role: "assistant", content: first.content }, { role: "user", content: results }];
told.answered = textIn(await client.messages.create({ ...limit, messages: turns, tools }));

told.called_streamed = inputsIn(await client.messages.stream({ ...limit, messages, tools }).finalMessage());

const output_config = { format: { type: "json_schema", schema } };
told.structured = JSON.parse(textIn(await client.messages.create({ ...limit, messages, output_config })));

const content = [
  { type: "text", text: "what?" },
  { type: "image", source: { type: "base64", media_type: "image/png", data: picture } },
];
told.seen = textIn(await client.messages.create({ ...limit, messages: [{ role: "user", content }] }));

const models = [];
for await (const each of client.models.list()) models.push(each.id);
told.models = models.includes("economy");
told.unknown = await client.messages
  .create({ ...limit, model: "no-such-model", messages })
  .catch((error) => error.constructor.name);
tell(told);
