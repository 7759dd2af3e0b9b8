"""Flight software: navigation, range gate, guidance, control, modes, executive."""
