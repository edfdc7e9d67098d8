-- What Argo CD offers to do with a Preview.
local phase = obj.status and obj.status.phase
local asleep = phase == "Sleeping" or phase == "Expired"
return {
  wake = {disabled = not asleep},
  sleep = {disabled = phase ~= "Running"},
  redeploy = {disabled = phase == nil},
}
