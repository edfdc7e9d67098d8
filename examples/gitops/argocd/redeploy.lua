-- A wish is an annotation with the time at which it was made; each is met once.
obj.metadata.annotations = obj.metadata.annotations or {}
obj.metadata.annotations["previewcloud.io/redeploy"] = os.date("!%Y-%m-%dT%XZ")
return obj
