-- Read where a channel stands, and what was published in sequence lately.
-- KEYS[1]  the history of the channel
-- KEYS[2]  the position of the channel
-- ARGV     the furthest position that the gateway itself has seen: epoch, offset ('' and 0: none),
--          offset after which to read, how many publications at most (0: only the position),
--          how many bytes of them at most, epoch to begin with (letters and digits, random),
--          how many ms the position of a fresh channel lives; perhaps the replication id of
--          this server, from who has asked for it already
-- Returns  epoch, offset, then a list of offset, payload, offset, payload, …: newest first, so
--          that what the limits cut off is the oldest. An epoch of '' says that the channel has
--          none, and none can be written now.
-- A channel without an epoch begins one here, so that whoever has heard nothing yet knows later
-- whether he missed the first publication. An epoch ends here when offsets may be given twice:
-- a gateway has seen more than Redis remembers, or another server than the one under which the
-- epoch was read last has taken over, and may lack its last publications.
local seen_epoch, seen, after, limit, limit_bytes, candidate, lives, server = unpack(ARGV)
limit, limit_bytes = tonumber(limit), tonumber(limit_bytes)

local function info(...)
  local text = redis.pcall('INFO', ...)
  return type(text) == 'string' and text or ''
end
server = server or string.match(info('replication'), 'master_replid:(%w+)') or ''

local function begin(offset)
  local ok = redis.pcall('HSET', KEYS[2], 'epoch', candidate, 'offset', offset, 'server', server)
  if type(ok) == 'table' and ok.err then
    return {'', 0, {}}
  end
  if offset == 0 then
    redis.call('DEL', KEYS[1])
  end
  redis.call('PEXPIRE', KEYS[2], lives)
  return {candidate, offset, {}}
end

-- One that was a replica has a second replication id. One that was started again from its
-- append-only file has none, and has lost nothing.
local function may_lack_the_end()
  local text = info('replication', 'persistence')
  local former = string.match(text, 'master_replid2:(%w+)') or ''
  return string.match(former, '[^0]') or not string.find(text, 'aof_enabled:1', 1, true)
end

local position = redis.call('HMGET', KEYS[2], 'epoch', 'offset', 'server')
local epoch, last, before = position[1], tonumber(position[2] or '0'), position[3]
if not epoch then
  return begin(0)
end
if seen_epoch == epoch and tonumber(seen) > last then
  return begin(last)
end
if before ~= server and server ~= '' then
  if before and may_lack_the_end() then
    return begin(last)
  end
  redis.pcall('HSET', KEYS[2], 'server', server)
end
if limit == 0 or tonumber(after) >= last then
  return {epoch, last, {}}
end

local found, bytes = {}, 0
local first = string.format('%.0f-0', after + 1)
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', first, 'COUNT', limit)) do
  local payload = entry[2][2]
  bytes = bytes + #payload
  if bytes > limit_bytes then break end
  found[#found + 1] = tonumber(string.match(entry[1], '^%d+'))
  found[#found + 1] = payload
end
return {epoch, last, found}
