-- Publish in sequence: take the next offset, keep the publication, and publish it.
-- KEYS[1]  the history of the channel, a list, oldest first: "<offset> <Unix ms> <payload>"
-- KEYS[2]  the position of the channel, a hash: epoch, offset
-- KEYS[3]  what remembers the idempotency key; KEYS[2] again when there is none
-- ARGV     Redis channel, payload (JSON), epoch to begin with (letters and digits, random),
--          how many publications are kept, for how many ms, how many ms the idempotency key
--          is remembered (0: there is none), PUBLISH or SPUBLISH, how many ms the position lives;
--          if a connection shall not receive it, the id of the connection, else '' or nothing;
--          Unix ms of the caller, for a Redis that refuses TIME in scripts
-- Returns  epoch, offset, 1 when published or 0 when it had been, how many workers received it
-- All keys carry the Redis channel as their hash tag: one slot of a cluster, also SPUBLISH's.
-- A call that fails has used up no offset: what may fail comes first, or is undone.
local channel, payload, candidate, size, age, remember, publish, lives, excluded, now = unpack(ARGV)
size, age, remember = tonumber(size), tonumber(age), tonumber(remember)

if remember > 0 then
  local epoch, offset = string.match(redis.call('GET', KEYS[3]) or '', '^(%w+):(%d+)$')
  if epoch then
    return {epoch, tonumber(offset), 0, 0}
  end
end

if size > 0 then
  local time = redis.pcall('TIME')
  if time[1] then
    now = time[1] * 1000 + math.floor(time[2] / 1000)
  elseif not now then
    return redis.error_reply('ERR no TIME in scripts here: give publish.lua Unix ms as ARGV[10]')
  end
  now = tonumber(now)
end
-- A PUBLISH that is refused would come too late: the history would have the publication.
if redis.acl_check_cmd and not redis.acl_check_cmd(publish, channel, '') then
  return redis.error_reply('NOPERM no permissions to publish to the channel of publish.lua')
end

local epoch = redis.call('HGET', KEYS[2], 'epoch')
local is_new = not epoch
if is_new then
  epoch = candidate
  -- history.lua ends the epoch when another server has taken over.
  local info = redis.pcall('INFO', 'replication')
  local server = type(info) == 'string' and string.match(info, 'master_replid:(%w+)') or ''
  -- First the write that Redis may refuse when memory is full; it refuses none after a write.
  redis.call('HSET', KEYS[2], 'epoch', epoch, 'offset', 0, 'server', server)
end
-- Never tostring(): Lua writes large numbers as 1e+15.
local offset = string.format('%.0f', redis.call('HINCRBY', KEYS[2], 'offset', 1))

local function undo(problem)
  if is_new then
    redis.pcall('DEL', KEYS[2])
  else
    redis.pcall('HINCRBY', KEYS[2], 'offset', -1)
  end
  if remember > 0 then
    redis.pcall('DEL', KEYS[3])
  end
  return problem
end

-- Single calls, no function with pcall() around them: that costs 6 % of this script.
local reply
if is_new then
  redis.pcall('DEL', KEYS[1])
  reply = redis.pcall('PEXPIRE', KEYS[2], lives)
else
  -- Never shortens: where Django publishes too, the position lives longer than for a client.
  reply = redis.pcall('PEXPIRE', KEYS[2], lives, 'GT')
end
if type(reply) == 'table' then
  return undo(reply)
end
if remember > 0 then
  reply = redis.pcall('SET', KEYS[3], epoch .. ':' .. offset, 'PX', remember)
  if reply.err then
    return undo(reply)
  end
end

if size > 0 then
  local entry = string.format('%s %.0f ', offset, now) .. payload
  local length = redis.pcall('RPUSH', KEYS[1], entry)
  -- Earlier versions kept a stream, which takes ten times the memory for one publication.
  if type(length) == 'table' and redis.pcall('TYPE', KEYS[1]).ok == 'stream' then
    redis.call('DEL', KEYS[1])
    length = redis.pcall('RPUSH', KEYS[1], entry)
  end
  if type(length) == 'table' then
    return undo(length)
  end
  redis.call('PEXPIRE', KEYS[1], age)
  local surplus = math.max(length - size, 0)
  -- Every 16th publication removes up to 32 old ones, so that none takes long.
  if offset % 16 == 0 then
    for _, entry in ipairs(redis.pcall('LRANGE', KEYS[1], surplus, surplus + 31)) do
      if tonumber(string.match(entry, '^%d+ (%d+)')) > now - age then break end
      surplus = surplus + 1
    end
  end
  if surplus > 0 then
    redis.pcall('LTRIM', KEYS[1], surplus, -1)
  end
end

local at = epoch .. ':' .. offset
-- One in 32 has the time, so that measuring costs little; the first of an epoch among them.
if size > 0 and offset % 32 == 1 then
  at = at .. ':' .. (excluded or '') .. string.format(':%.0f', now)
elseif excluded and excluded ~= '' then
  at = at .. ':' .. excluded
end
local receivers = redis.call(publish, channel, '#' .. at .. '#' .. payload)
return {epoch, tonumber(offset), 1, receivers}
