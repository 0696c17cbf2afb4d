// Writes event chains with the published LTO clients; see README.md for how to run it.
// Seeds, keys, nonces and times are fixed, so that the same clients write the same files again.
import { writeFileSync } from 'node:fs';
import { createRequire, register } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const clients = process.cwd();
const target = import.meta.dirname;
const require = createRequire(join(clients, 'package.json'));

// Version 0.16 is published as ES modules that leave out file endings, which Node does not resolve by itself.
const resolver = `
  export async function resolve(name, context, next) {
    for (const ending of ['', '.js', '/index.js']) {
      try { return await next(name + ending, context); } catch (error) { if (ending === '/index.js') throw error; }
    }
  }`;
register('data:text/javascript,' + encodeURIComponent(resolver));

const BUYER = 'orchard lantern copper violin marble harbor pepper saddle window thunder basket ribbon meadow anchor pilot';
const SELLER = 'quiet falcon cedar bridge velvet ladder salmon pocket garden whistle amber needle tunnel cactus winter';
const NODE = 'lantern valley copper meadow pencil harbor cotton river hammer window forest ladder silver bucket orchard';
const CURVE_KEY = Uint8Array.from({ length: 32 }, (_, index) => 7 * index + 3);
const START = 1672531200000;
const SCHEMA = 'https://specs.livecontracts.io/v0.2.0';

const expected = {};

// --- The contract every client writes -------------------------------------------------------------------------------

function identity(id, account, node, system = account.key) {
  return { $schema: `${SCHEMA}/identity/schema.json#`, id, node, signkeys: { default: account.key, system },
    encryptkey: account.encryptKey };
}

function bodies(buyer, seller, derived, system) {
  const process = derived('process');
  const initial = system ? 'initial' : ':initial';  // version 0.2.0 of scenarios has no colon; a node refuses the older one
  return [
    [buyer, identity(derived('buyer'), buyer, 'amqp://node.buyer.example', system)],
    [buyer, identity(derived('seller'), seller, 'amqp://node.seller.example')],
    [buyer, { $schema: `${SCHEMA}/scenario/schema.json#`, id: derived('scenario'), title: 'Prijsopgave – Größe & “总价”',
      actors: { buyer: { title: 'Käufer' }, seller: { title: 'Verkäufer' } },
      actions: { offer: { actor: 'seller', responses: { ok: {} } }, accept: { actor: 'buyer', responses: { ok: {} } } },
      states: { [initial]: { action: 'offer', transition: 'offered' },
        offered: { action: 'accept', transition: ':success' } } }],
    [buyer, { $schema: `${SCHEMA}/process/schema.json#`, id: process, scenario: derived('scenario'),
      actors: { buyer: { identity: derived('buyer') }, seller: { identity: derived('seller') } } }],
    [seller, { $schema: `${SCHEMA}/response/schema.json#`, process, action: { key: 'offer' }, key: 'ok',
      actor: { key: 'seller' }, data: { price: 1234.5, currency: '€', note: 'Ünïcödé: żółw, 見積書, 🐢/\\"' } }],
    [buyer, { $schema: `${SCHEMA}/response/schema.json#`, process, action: { key: 'accept' }, key: 'ok',
      actor: { key: 'buyer' }, data: null }],
  ];
}

function store(name, client, chain, more) {
  // The files keep what the client's own JSON.stringify gives; only white space between members is added.
  const document = JSON.parse(JSON.stringify(chain));
  writeFileSync(join(target, `${name}.json`), JSON.stringify(document, null, 1) + '\n');
  expected[name] = { client, id: document.id, ...more, ...(more.generation === 'G1' ? {} : readByNewest(document)) };
}

function readByNewest(document) {
  // Until 0.13 the state was the hash of the last signature; the newest client reads older chains by the newer rule.
  const chain = libraries['0.16.15'].EventChain.from(document);
  if (chain.events.length > 0) chain.validate();
  return { state: chain.state.base58 };
}

// --- G1: text events ----------------------------------------------------------------------------------------------

function writeClassic(version, name, account, create, sign) {
  const { Event } = require(`lto-${version}`);
  const buyer = account(BUYER), seller = account(SELLER);
  const chain = create(buyer.account, 'classic');
  const list = bodies(buyer, seller, (text) => chain.createProjectionId(text));
  list.forEach(([signer, body], index) => {
    const event = new Event(body);
    event.timestamp = START + 60000 * index;
    event.addTo(chain);
    sign(event, signer.account);
    if (!event.verifySignature()) throw new Error(`${name}: the client does not accept its own event ${index}`);
  });
  store(name, `${name === 'g1-lto-api-0.5.14' ? 'lto-api' : '@ltonetwork/lto'} ${version}`, chain, {
    generation: 'G1', events: list.length, partial: false, latest_hash: chain.getLatestHash(),
    derived_ids: { buyer: chain.createProjectionId('buyer'), process: chain.createProjectionId('process') },
  });
}

function writeAllClassic() {
  const { LTO: Lto5 } = require('lto-0.5.14');
  writeClassic('0.5.14', 'g1-lto-api-0.5.14',
    (phrase) => {
      const account = new Lto5('T').createAccountFromExistingPhrase(phrase);
      return { account, key: account.getPublicSignKey(), encryptKey: account.getPublicEncryptKey() };
    },
    (account, nonce) => account.createEventChain(nonce), (event, account) => event.signWith(account));
  const { LTO: Lto8, EventChain } = require('lto-0.8.9');
  writeClassic('0.8.9', 'g1-lto-0.8.9',
    (phrase) => {
      const account = new Lto8('T').account({ seed: phrase });
      return { account, key: account.publicKey, encryptKey: account.publicKey };
    },
    (account, nonce) => EventChain.create(account, nonce), (event, account) => event.signWith(account));
}

// --- V1 and V2: binary events -------------------------------------------------------------------------------------

function writeBinary(library, version, generation, name,
  { network = 'T', creator, other, node, extra = [] }) {
  const { Event, EventChain, LTO, Binary } = library;
  const lto = new LTO(network);
  const open = (settings) => {
    const account = lto.account(settings);
    // The clients hand ECDSA their own Binary, on which SHA-256 fails above 64 bytes; plain bytes work.
    const signBytes = (bytes) => new Binary(account.cypher.createSignature(Uint8Array.from(bytes)));
    if (settings.keyType) account.sign = signBytes;
    return { account, key: account.publicKey, encryptKey: account.publicKey };
  };
  const buyer = open(creator), seller = open(other);
  const chain = EventChain.create(buyer.account, name);
  const system = node && open(node).key;
  const steps = [...bodies(buyer, seller, (text) => chain.createDerivedId(text), system), ...extra];
  steps.forEach(([signer, data, mediaType, attachments = []], index) => {
    const event = data instanceof Uint8Array ? new Event(new Binary(data), mediaType) : new Event(data, mediaType);
    event.timestamp = START + 60000 * index;
    for (const [title, content, type] of attachments) event.addAttachment(title, content, type);
    const account = { buyer, seller }[signer]?.account ?? signer.account;
    event.addTo(chain).signWith(account);
  });
  chain.validate();
  const client = `@ltonetwork/lto ${version}`;
  const facts = (part) => ({ generation, events: part.events.length, partial: part !== chain,
    latest_hash: part.latestHash.base58 });
  store(name, client, chain, { ...facts(chain),
    derived_ids: { buyer: chain.createDerivedId('buyer'), process: chain.createDerivedId('process') } });
  return (suffix, part) => store(`${name}-${suffix}`, client, part(chain), facts(part(chain)));
}

function writeAllBinary(libraries) {
  const text = new TextEncoder();
  const bytes = [
    ['seller', text.encode('Ein Brief mit Umlauten: ÄÖÜ\n'), 'text/plain; charset=utf-8'],
    ['buyer', Uint8Array.from({ length: 256 }, (_, index) => index), undefined],
  ];
  const attachments = [
    ['buyer', { note: 'with attachments' }, undefined, [
      ['Angebot – 見積書.txt', text.encode('Zwölf Boxkämpfer'), 'text/plain'],
      ['empty', new Uint8Array(0), undefined],
      ['terms.json', { terms: ['a', 'b'] }, undefined],
    ]],
  ];
  const largest = new Uint8Array(65535).fill(0xa5);
  const keys = { creator: { seed: BUYER }, other: { seed: SELLER } };
  for (const [version, generation, label] of [['0.10.10', 'V1', 'v1'], ['0.12.5', 'V1', 'v1'],
    ['0.15.15', 'V2', 'v2'], ['0.16.15', 'V2', 'v2']]) {
    const library = libraries[version];
    const extra = generation === 'V2' ? [...bytes, ...attachments] : bytes;
    const cut = writeBinary(library, version, generation, `${label}-lto-${version}`, { ...keys, extra });
    cut('after', (chain) => chain.startingAfter(chain.events[2]));
    cut('with', (chain) => chain.startingWith(chain.events[1]));
    cut('nothing-new', (chain) => chain.startingAfter(chain.latestHash));
    writeBinary(library, version, generation, `${label}-lto-${version}-mainnet`, { ...keys, network: 'L' });
    // 0.10.10 refuses the ECDSA signatures it makes itself.
    const curves = version === '0.10.10' ? [] : ['secp256k1', 'secp256r1'];
    for (const curve of curves) {
      writeBinary(library, version, generation, `${label}-lto-${version}-${curve}`,
        { creator: { keyType: curve, privateKey: new library.Binary(CURVE_KEY).base58 }, other: { seed: SELLER } });
    }
  }
  writeBinary(libraries['0.16.15'], '0.16.15', 'V2', 'v2-lto-0.16.15-node', { ...keys, node: { seed: NODE } });
  writeBinary(libraries['0.16.15'], '0.16.15', 'V2', 'v2-lto-0.16.15-largest',
    { ...keys, extra: [['seller', largest, undefined, [['largest', largest, undefined]]]] });
}

const versions = ['0.10.10', '0.12.5', '0.15.15'];
const libraries = Object.fromEntries(versions.map((version) => [version, require(`lto-${version}`)]));
const load = (path) => import(pathToFileURL(join(clients, 'node_modules', 'lto-0.16.15', 'lib', path)));
libraries['0.16.15'] = {
  LTO: (await load('LTO.js')).default, Binary: (await load('Binary.js')).default, ...(await load('events/index.js')),
};

writeAllClassic();
writeAllBinary(libraries);
writeFileSync(join(target, 'expected.json'), JSON.stringify(expected, null, 1) + '\n');
