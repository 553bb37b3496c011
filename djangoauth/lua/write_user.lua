-- Write a user record.
-- KEYS[1]  the user record
-- ARGV     auth, channels, control channel, control message, TTL in seconds
--          without a TTL only an existing record is written: who has none has no valid login
-- The control message is sent when an existing record changes.
local auth, channels, channel, message, ttl = unpack(ARGV)
local before = redis.call('HMGET', KEYS[1], 'auth', 'channels')
local exists = before[1] ~= false
if not exists and not ttl then
  return
end

redis.call('HSET', KEYS[1], 'auth', auth, 'channels', channels)
if ttl then
  redis.call('EXPIRE', KEYS[1], ttl, 'NX')
  redis.call('EXPIRE', KEYS[1], ttl, 'GT')
end
if exists and (before[1] ~= auth or before[2] ~= channels) then
  redis.call('PUBLISH', channel, message)
end
