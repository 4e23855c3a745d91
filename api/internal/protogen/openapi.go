package protogen

func openAPI(c *contract) (string, error) { return "", nil }
