-- Read many logins at once: one command to parse, one reply to read.
--
-- KEYS: for each login, the key of the session record, then that of the user record; of an
--       anonymous visitor, the session's again.
-- Returns, for each login: the session's "user", "auth" and "moved", its remaining life in milliseconds
-- (the reply of PTTL), the user's "auth", "channels" and "rights".
-- A key that holds no hash counts as missing: one that was made by hand must not keep the others
-- of its batch from being read.
local function fields(key, ...)
  local found = redis.pcall('HMGET', key, ...)
  if found.err and not string.find(found.err, 'WRONGTYPE', 1, true) then
    error(found)
  end
  return found.err and {false, false, false} or found
end

local logins = {}
for at = 1, #KEYS, 2 do
  local session = fields(KEYS[at], 'user', 'auth', 'moved')
  local user = fields(KEYS[at + 1], 'auth', 'channels', 'rights')
  local pttl = redis.call('PTTL', KEYS[at])
  logins[#logins + 1] = {session[1], session[2], session[3], pttl, user[1], user[2], user[3]}
end
return logins
