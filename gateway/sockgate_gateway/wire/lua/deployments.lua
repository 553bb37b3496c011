#!lua flags=allow-oom
-- Register a worker among the deployments of this Redis server, and list those whose workers live.
-- KEYS[1]  the registry, a hash in database 0: worker to "<since> <at> <deployment as JSON>"
-- ARGV     database of the caller, worker ('' only lists), deployment as JSON ('' withdraws),
--          seconds after which a worker that was not registered again counts as dead, Unix seconds of
--          the caller, for a Redis that refuses TIME in scripts
-- Returns  for each live worker: worker, since (microseconds), deployment, microseconds since it was
--          registered last
-- All times are of this server if it tells them, so no clocks are compared. A worker that had been removed begins anew.
local database, worker, deployment, lives, now = unpack(ARGV)
if database ~= '0' then
  redis.call('SELECT', 0)
end
local time = redis.pcall('TIME')
now = time[1] and time[1] * 1000000 + time[2] or tonumber(now) * 1000000
local entries = redis.call('HGETALL', KEYS[1])
local live, own_since = {}, now
for at = 1, #entries, 2 do
  local since, seen, text = string.match(entries[at + 1], '^(%d+) (%d+) (.*)$')
  if not since or tonumber(seen) + lives * 1000000 < now then
    if worker ~= '' then redis.call('HDEL', KEYS[1], entries[at]) end
  elseif entries[at] == worker then
    own_since = tonumber(since)
  else
    live[#live + 1] = entries[at]
    live[#live + 1] = tonumber(since)
    live[#live + 1] = text
    live[#live + 1] = now - tonumber(seen)
  end
end
if worker ~= '' and deployment == '' then
  redis.call('HDEL', KEYS[1], worker)
elseif worker ~= '' then
  local times = string.format('%.0f %.0f ', own_since, now)
  redis.call('HSET', KEYS[1], worker, times .. deployment)
  live[#live + 1] = worker
  live[#live + 1] = own_since
  live[#live + 1] = deployment
  live[#live + 1] = 0
end
return live
