// Chat completions through OpenAI's own SDK: plain, streamed, tools, structured output, a picture, embeddings.
import OpenAI from "openai";
import { picture, schema, tell } from "./talk.mjs";

const [url, key, model] = process.argv.slice(2);
const client = new OpenAI({ apiKey: key, baseURL: `${url}/v1`, maxRetries: 0 });
const hello = [{ role: "user", content: "hello" }];
const tools = [{ type: "function", function: { name: "weather", parameters: schema, strict: true } }];
const told = {};

const { data: plain, response } = await client.chat.completions.create({ model, messages: hello }).withResponse();
told.plain = plain.choices[0].message.content;
told.usage = plain.usage.total_tokens > 0;
told.entry = response.headers.get("x-llm-id");

told.streamed = "";
for await (const chunk of await client.chat.completions.create({ model, messages: hello, stream: true })) {
  told.streamed += chunk.choices[0]?.delta.content ?? "";
  told.streamed_usage = (chunk.usage?.total_tokens ?? 0) > 0;
}

const first = await client.chat.completions.create({ model, messages: hello, tools });
const calls = first.choices[0].message.tool_calls;
told.called = calls.map((call) => JSON.parse(call.function.arguments));
const results = calls.map((call) => ({ role: "tool", tool_call_id: call.id, content: "sunny" }));
const turns = [...hello, first.choices[0].message, ...results];
told.answered = (await client.chat.completions.create({ model, messages: turns, tools })).choices[0].message.content;

const stream = client.chat.completions.stream({ model, messages: hello, tools });
const whole = await stream.finalChatCompletion();
told.called_streamed = whole.choices[0].message.tool_calls.map((call) => JSON.parse(call.function.arguments));

const format = { type: "json_schema", json_schema: { name: "Weather", schema, strict: true } };
const parsed = await client.chat.completions.parse({ model, messages: hello, response_format: format });
told.structured = JSON.parse(parsed.choices[0].message.content);

const content = [
  { type: "text", text: "what?" },
  { type: "image_url", image_url: { url: `data:image/png;base64,${picture}` } },
];
const seen = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
told.seen = seen.choices[0].message.content;

const vectors = await client.embeddings.create({ model: "Vectors", input: ["one", "two"] });
told.vectors = vectors.data.map((row) => row.embedding.length);

const models = [];
for await (const each of client.models.list()) models.push(each.id);
told.models = models.includes("economy");
told.unknown = await client.chat.completions
  .create({ model: "no-such-model", messages: hello })
  .catch((error) => error.constructor.name);
tell(told);
