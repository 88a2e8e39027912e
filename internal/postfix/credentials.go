package postfix

// PasswordDelimiter is what stands between user name and password in the value
// of smtp_sasl_password_maps: smtp_sasl_password_result_delimiter, a parameter
// since 3.9, and ":" before.
func (s State) PasswordDelimiter() byte {
	if d := s.Params["smtp_sasl_password_result_delimiter"]; d != "" && s.Version.AtLeast(3, 9) {
		return d[0]
	}
	return ':'
}
