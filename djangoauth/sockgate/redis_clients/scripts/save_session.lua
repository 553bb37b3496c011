-- Save a session record in one test-and-set, so that a login that has ended cannot return.
-- KEYS[1]  the session record
-- ARGV     mode, TTL in seconds, user, auth, control channel, control message, [data, age]
--          mode "create" fails on a record that exists, "update" on a missing one; "put" never
-- Returns  1 when saved, 0 when the mode forbids it
-- The control message is sent when an existing record changes its identity or will end sooner.
local mode, ttl, user, auth, channel, message, data, age = unpack(ARGV)
local before = redis.call('HMGET', KEYS[1], 'user', 'auth')
local exists = before[1] ~= false
if (mode == 'create' and exists) or (mode == 'update' and not exists) then
  return 0
end

local left = redis.call('TTL', KEYS[1])
redis.call('HSET', KEYS[1], 'user', user, 'auth', auth)
if data then
  redis.call('HSET', KEYS[1], 'data', data, 'age', age)
end
redis.call('EXPIRE', KEYS[1], ttl)

-- Two seconds of tolerance: both numbers are rounded to whole seconds.
local ends_sooner = left == -1 or tonumber(ttl) + 2 < left
if exists and (before[1] ~= user or before[2] ~= auth or ends_sooner) then
  redis.call('PUBLISH', channel, message)
end
return 1
