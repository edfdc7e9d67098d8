-- Health of a Preview at Argo CD, from its conditions: Ready, Reconciling and Stalled follow kstatus.
local status = obj.status or {}
local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end

local function is_true(kind)
  return conditions[kind] ~= nil and conditions[kind].status == "True"
end

local function message(kind, otherwise)
  local found = conditions[kind] and conditions[kind].message
  if found == nil or found == "" then
    return otherwise
  end
  return found
end

if obj.metadata.deletionTimestamp ~= nil then
  return {status = "Progressing", message = "Everything of it is being removed."}
end
if obj.spec.suspend == true then
  return {status = "Suspended", message = "spec.suspend is set: nothing is done."}
end
if status.observedGeneration == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = message("Reconciling", "The operator has not taken it up yet.")}
end
if is_true("Stalled") then
  local goes_on = is_true("Ready") and " The version before goes on serving." or ""
  return {status = "Degraded", message = message("Stalled", "It failed.") .. goes_on}
end
if is_true("Reconciling") then
  return {status = "Progressing", message = message("Reconciling", status.phase or "Working")}
end
if status.phase == "Sleeping" then
  return {status = "Suspended", message = message("Ready", "It is asleep.")}
end
if status.phase == "Expired" then
  return {status = "Suspended", message = message("Reconciling", "It has expired; a push brings it back.")}
end
if is_true("Ready") then
  return {status = "Healthy", message = message("Ready", "It is being served.")}
end
return {status = "Progressing", message = message("Ready", "It is not ready yet.")}
