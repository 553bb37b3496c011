-- Read the position of a channel, and its latest sequenced publications.
-- KEYS[1]  the history of the channel
-- KEYS[2]  the position of the channel
-- ARGV     the furthest position that the gateway has received: epoch, offset ('' and 0: none),
--          offset after which to read (-n: the newest n), how many publications at most (0: only
--          the position),
--          how many bytes of them at most, epoch to begin with (letters and digits, random),
--          how many ms the position lives at least, until the next publication; if the caller knows them, the
--          replication id of this server and the generation of the master
--          (Sentinel's config epoch, which each failover raises; 0: there is no Sentinel)
-- Returns  epoch, offset, then a list of offset, payload, offset, payload, …: newest first, so
--          that the limits cut off the oldest. An epoch of '' means that the channel has none,
--          and that none can be written now.
-- A channel without an epoch begins one here, so that a client without publications can detect
-- later whether it missed the first. An epoch ends here when offsets may be given twice. Either a
-- gateway has received more than Redis remembers; or another server than the one of the last
-- reading has taken over, and may lack the last publications; or there was, or may have been,
-- another master in between, and this server, which was never its replica, lacks the publications
-- of that master. Of an epoch that begins here only the newest publications are read, as many as
-- are asked for, at least one: what a client has received of another epoch is of no use.
local seen_epoch, seen, after, limit, limit_bytes, candidate, lives, server, generation =
  unpack(ARGV)
after, limit, limit_bytes = tonumber(after), tonumber(limit), tonumber(limit_bytes)
generation = tonumber(generation or 0)

local function info(...)
  local text = redis.pcall('INFO', ...)
  return type(text) == 'string' and text or ''
end
server = server or string.match(info('replication'), 'master_replid:(%w+)') or ''

local position = redis.call('HMGET', KEYS[2], 'epoch', 'offset', 'server', 'generation')
local epoch, last, before = position[1], tonumber(position[2] or '0'), position[3]
-- An epoch that publish.lua has begun has no generation. It may be from before two failovers.
local read_in = tonumber(position[4] or 0)
local latest = string.format('%.0f', math.max(generation, read_in))

local function read(from, last)
  local found, bytes = {}, 0
  if limit == 0 or last == 0 or from >= last then
    return found
  end
  from = math.max(from, 0)
  -- One entry for each offset; fewer where a publication was not kept. Where a value was restored or
  -- another program wrote it, offsets that do not fall are not read. Nor is another type.
  local entries, newest = redis.pcall('LRANGE', KEYS[1], -math.min(limit, last - from), -1), last
  for at = #entries, 1, -1 do
    local text, payload = string.match(entries[at], '^(%d+) %d+ (.*)$')
    local offset = tonumber(text or 0)
    if offset <= from or offset > newest then break end
    bytes, newest = bytes + #payload, offset - 1
    if bytes > limit_bytes then break end
    found[#found + 1] = offset
    found[#found + 1] = payload
  end
  return found
end

-- Never shortens: a publication lets the position live longer than a request of a client does.
local function extend()
  if redis.call('PTTL', KEYS[2]) < tonumber(lives) then
    redis.pcall('PEXPIRE', KEYS[2], lives)
  end
end

local function begin(offset)
  local ok = redis.pcall('HSET', KEYS[2], 'epoch', candidate, 'offset', offset,
    'server', server, 'generation', latest)
  if type(ok) == 'table' and ok.err then
    return {'', 0, {}}
  end
  if offset == 0 then
    redis.call('DEL', KEYS[1])
  end
  extend()
  return {candidate, offset, read(offset + math.min(after, -1), offset)}
end

-- One that was a replica has a second replication id. One that was started again from its
-- append-only file has none, and has lost nothing.
local function may_lack_the_end()
  local text = info('replication', 'persistence')
  local former = string.match(text, 'master_replid2:(%w+)') or ''
  return string.match(former, '[^0]') or not string.find(text, 'aof_enabled:1', 1, true)
end

if not epoch then
  return begin(0)
end
if seen_epoch == epoch and tonumber(seen) > last then
  return begin(last)
end
if generation > read_in then
  return begin(last)
end
if before ~= server and server ~= '' then
  if before and may_lack_the_end() then
    return begin(last)
  end
  redis.pcall('HSET', KEYS[2], 'server', server, 'generation', latest)
end
if last == 0 then
  extend()
end
return {epoch, last, read(after < 0 and last + after or after, last)}
