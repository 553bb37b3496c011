-- Write a user record.
-- KEYS[1]  the user record
-- ARGV     auth, channels, permissions, name, now, control channel, control message, data for
--          presence (empty: none), control message about that data, TTL in seconds
--          without a TTL only an existing record is written: without one there is no valid login
-- When the permissions have changed, the rights get the new name.
-- When auth has changed, "changed" is set to now.
-- The control message is sent when an existing record changes.
-- Returns  1 when a record was written
local auth, channels, permissions, name, now, channel, message, data, data_message, ttl = unpack(ARGV)
local before = redis.call('HMGET', KEYS[1], 'auth', 'channels', 'permissions', 'rights', 'presence')
local exists = before[1] ~= false
if not exists and not ttl then
  return
end

local has_other_rights = before[3] ~= permissions or not before[4]
redis.call('HSET', KEYS[1], 'auth', auth, 'channels', channels, 'permissions', permissions)
if has_other_rights then
  redis.call('HSET', KEYS[1], 'rights', name)
end
if exists and before[1] ~= auth then
  redis.call('HSET', KEYS[1], 'changed', now)
end
if ttl then
  redis.call('EXPIRE', KEYS[1], ttl, 'NX')
  redis.call('EXPIRE', KEYS[1], ttl, 'GT')
end
if exists and (before[1] ~= auth or before[2] ~= channels or has_other_rights) then
  redis.call('PUBLISH', channel, message)
end
if data ~= (before[5] or '') then
  redis.call('HSET', KEYS[1], 'presence', data)
  if exists then
    redis.call('PUBLISH', channel, data_message)
  end
end
return 1
